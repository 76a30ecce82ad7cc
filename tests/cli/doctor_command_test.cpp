#include "walwrap/cli/doctor_command.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/app_db.hpp"
#include "tests/support/files.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_dir.hpp"

using namespace walwrap;
using namespace walwrap::cli;

namespace {

// A machine with nothing set; what was said goes into `said` and `complaint`.
struct Bench {
  int examine(std::vector<config::FlagValue> flags, bool json = false) {
    said.clear();
    const Log log({.now = [this] { return clock.wall(); }, .sink = [](std::string_view) {}});
    return cli::examine({.flags = std::move(flags), .json = json},
                        {.clock = clock,
                         .log = log,
                         .say = [this](std::string_view text) { said += text; },
                         .complain = [this](std::string_view text) { complaint += text; },
                         .cancelled = [] { return false; },
                         .environment = environment,
                         .root = root});
  }
  bool message(std::string_view part) const { return said.find(part) != std::string::npos; }

  testing::TempDir dir;
  testing::ManualClock clock;
  std::filesystem::path database = dir / "app.db";
  std::filesystem::path replica = dir / "replica";
  config::Environment environment;
  os::Path root = "/proc";
  std::string said, complaint;
};

}  // namespace

TEST_CASE("doctor accepts a healthy database and directory, and changes neither") {
  Bench bench;
  testing::AppDb(bench.database).run("CREATE TABLE t(a)");
  std::filesystem::create_directories(bench.replica);
  const auto before = testing::text_of(bench.database);
  CHECK(bench.examine({{"--db", bench.database.string()}, {"--replica", bench.replica.string()}}) ==
        0);
  for (const char* part : {"ok       list", "ok       put", "ok       get", "ok       delete",
                           "ok       create-only", "database"}) {
    CAPTURE(part);
    CHECK(bench.message(part));
  }
  CHECK(testing::text_of(bench.database) == before);
  CHECK_FALSE(std::filesystem::exists(bench.database.string() + "-wal"));
  CHECK(std::filesystem::is_empty(bench.replica));
}

TEST_CASE("doctor names what is missing and the command to type, and creates nothing") {
  Bench bench;
  CHECK(bench.examine({{"--db", (bench.dir / "none" / "app.db").string()},
                       {"--replica", (bench.dir / "nor" / "this").string()}}) == 1);
  CHECK(bench.message("mkdir -p"));
  CHECK(bench.message("check --replica"));
  CHECK_FALSE(std::filesystem::exists(bench.dir / "none"));
  CHECK_FALSE(std::filesystem::exists(bench.dir / "nor"));
  CHECK(bench.examine({}, true) == 1);
  CHECK(bench.message("\"subject\": \"replica\""));
}

TEST_CASE("doctor does not block on a pipe") {
  Bench bench;
  REQUIRE(std::system(("mkfifo " + bench.database.string()).c_str()) == 0);
  CHECK(bench.examine({{"--db", bench.database.string()}, {"--replica", bench.replica.string()}}) ==
        1);
  CHECK(bench.message("is not a regular file"));
}

TEST_CASE("doctor names a database without a replica, and a replica on the container's disk") {
  Bench bench;
  CHECK(bench.examine({{"--db", bench.database.string()}}) == 1);
  CHECK(bench.message(bench.database.filename().string() +
                      " has no replica: walwrap refuses to start"));
  std::filesystem::create_directories(bench.replica);
  bench.root = "/";
  bench.environment = {{"DYNO", "web.1"}};
  const bool same_disk =
      os::status_of("/").value().id.device == os::status_of(bench.dir.path()).value().id.device;
  bench.examine({{"--db", bench.database.string()}, {"--replica", bench.replica.string()}});
  CHECK(bench.message("the container's own disk") == same_disk);
}

TEST_CASE("doctor reports an invalid configuration instead of a check") {
  Bench bench;
  CHECK(bench.examine({{"--db", "x"}, {"--replica", "ftp://x"}}) == 2);
  CHECK(bench.complaint.starts_with("walwrap doctor: "));
  CHECK(bench.said.empty());
}
