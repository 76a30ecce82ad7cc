#include "walwrap/replication/attacher.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/app_db.hpp"
#include "tests/support/app_process.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AppDb;
using testing::AppProcess;
using testing::in_child;
using Others = Attacher::Others;

constexpr seconds kIdle{2};

struct AttacherRig {
  explicit AttacherRig(const std::filesystem::path& file) : path(file) {}

  std::filesystem::path path;
  testing::ManualClock clock;
  std::vector<std::string> lines;
  Log log{{.minimum = LogLevel::Warn,
           .now = [] { return WallTime{}; },
           .sink = [this](std::string_view line) { lines.emplace_back(line); }}};
  Attacher attacher{path, "app.db", clock, log};

  // Tries whenever it is due.
  Attacher::Attached tries_for(milliseconds time) {
    const MonoTime end = clock.mono() + time;
    while (clock.mono() <= end) {
      if (attacher.is_due(Others::App)) {
        if (auto owner = attacher.try_attach(Others::App, kIdle).value()) return owner;
      }
      clock.advance(milliseconds(1));
    }
    return nullptr;
  }
  bool has_line(std::string_view text) const {
    return std::ranges::any_of(
        lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }
};

struct Place {
  testing::TempDir directory;
  std::filesystem::path path = directory / "app.db";
};

TEST_CASE("a database in rollback journal mode is attached in a pause of its app") {
  const Place place;
  AppDb(place.path).run("CREATE TABLE t(a)");
  AttacherRig rig(place.path);
  CHECK(rig.tries_for(milliseconds(250)) == nullptr);
  CHECK(rig.attacher.waiting()->bytes > 0);
  CHECK(AppDb(place.path).text("PRAGMA journal_mode") == "delete");
  CHECK(rig.tries_for(milliseconds(250)) != nullptr);
  CHECK_FALSE(rig.attacher.waiting().has_value());
  CHECK(AppDb(place.path).text("PRAGMA journal_mode") == "wal");
}

TEST_CASE("before the app starts and after it ends, attaching waits for nothing") {
  const Place place;
  AppDb(place.path).run("CREATE TABLE t(a)");
  AttacherRig rig(place.path);
  CHECK(rig.attacher.try_attach(Others::None, kIdle).value() != nullptr);
}

TEST_CASE("a database that is absent or empty is not shown as waiting in the status") {
  const Place place;
  AttacherRig rig(place.path);
  CHECK(rig.tries_for(seconds(20)) == nullptr);
  std::ofstream(place.path).flush();
  CHECK(rig.tries_for(seconds(20)) == nullptr);
  CHECK_FALSE(rig.attacher.waiting().has_value());
  CHECK(rig.attacher.next_try() > rig.clock.mono());
  rig.attacher.on_news();
  CHECK(rig.attacher.is_due(Others::App));
  CHECK(rig.lines.size() == 1);  // that none has appeared in ten seconds
}

TEST_CASE("a file that is not a database is an error, and events do not speed up the retries") {
  const Place place;
  std::ofstream(place.path) << std::string(8192, 'x');
  AttacherRig rig(place.path);
  CHECK(rig.attacher.try_attach(Others::App, kIdle).error().code == Code::Corrupt);
  rig.attacher.on_news();
  CHECK_FALSE(rig.attacher.is_due(Others::App));
  CHECK_FALSE(rig.attacher.is_due(Others::None));
  rig.clock.advance(milliseconds(100));
  CHECK(rig.attacher.is_due(Others::App));
  CHECK(rig.attacher.is_due(Others::None));
}

TEST_CASE("a database that stays locked is reported with the process that locks it") {
  for (const char* sql :
       {"BEGIN; SELECT * FROM t", "PRAGMA locking_mode=EXCLUSIVE; DELETE FROM t",
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; DELETE FROM t"}) {
    CAPTURE(sql);
    const Place place;
    AppDb(place.path).run("CREATE TABLE t(a)");
    const AppProcess app(place.path, sql);
    AttacherRig rig(place.path);
    CHECK(rig.tries_for(seconds(9)) == nullptr);
    REQUIRE(rig.attacher.waiting().has_value());
    CHECK(rig.attacher.waiting()->reason.find(fmt::format("process {} has ", app.pid())) !=
          std::string::npos);
    CHECK(rig.lines.empty());
    CHECK(rig.tries_for(seconds(40)) == nullptr);
    CHECK(rig.has_line("not replicated"));
    CHECK(rig.has_line("EXCLUSIVE"));
    CHECK(rig.lines.size() == 2);
  }
}

TEST_CASE("an app that has just changed to WAL mode creates its own WAL index") {
  const Place place;
  AppDb(place.path).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  AttacherRig rig(place.path);
  CHECK(rig.tries_for(milliseconds(90)) == nullptr);
  AppDb app(place.path);
  app.run("INSERT INTO t VALUES(1)");
  CHECK(rig.tries_for(milliseconds(15)) == nullptr);
  CHECK(rig.tries_for(milliseconds(20)) != nullptr);
}

TEST_CASE("an app that sets its own journal mode gets a warning that it may stop working") {
  for (const char* mode : {"TRUNCATE", "PERSIST", "DELETE"}) {
    CAPTURE(mode);
    const Place place;
    AppDb(place.path).run(std::string("PRAGMA journal_mode=") + mode + "; CREATE TABLE t(a)");
    AttacherRig rig(place.path);
    CHECK(rig.tries_for(seconds(1)) != nullptr);
    // DELETE leaves nothing behind that could tell it from the default.
    const bool is_told = std::string_view(mode) != "DELETE";
    CHECK(rig.has_line("its own journal mode") == is_told);
    CHECK(rig.lines.size() == (is_told ? 1U : 0U));
  }
}

TEST_CASE("an app that changes the mode back is reported once, and walwrap waits for it") {
  const Place place;
  AppDb(place.path).run("CREATE TABLE t(a)");
  AttacherRig rig(place.path);
  for (int round = 0; round < 3; ++round) {
    auto owner = rig.tries_for(seconds(700));
    REQUIRE(owner != nullptr);
    owner->remove_wal_on_close();
    owner.reset();
    rig.attacher.on_detached();
    AppDb(place.path).run("PRAGMA journal_mode=DELETE");
    CHECK(rig.tries_for(seconds(9)) == nullptr);
    CHECK(rig.attacher.waiting()->reason.find("changes the journal mode back") !=
          std::string::npos);
  }
  const auto said = std::ranges::count_if(rig.lines, [](const std::string& line) {
    return line.find("changed the journal mode back") != std::string::npos;
  });
  CHECK(said == 1);
  CHECK(rig.attacher.try_attach(Others::None, kIdle).value() != nullptr);
}

TEST_CASE("an app that was killed in its first transaction leaves an empty database") {
  const Place place;
  in_child([&]() -> std::string {
    AppDb app(place.path);
    app.run("PRAGMA cache_size=1; BEGIN; CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(99999))");
    ::_exit(0);
  });
  AttacherRig rig(place.path);
  CHECK(rig.tries_for(seconds(5)) == nullptr);
  const auto owner = rig.attacher.try_attach(Others::None, kIdle);
  CHECK((!owner || *owner == nullptr));
  CHECK(AppDb(place.path).number("SELECT count(*) FROM sqlite_master") == 0);
}

}  // namespace
}  // namespace walwrap::replication
