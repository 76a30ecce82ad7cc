#include "walwrap/daemon/places.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"
#include "walwrap/daemon/wiring.hpp"
#include "walwrap/storage/stores/open.hpp"

using namespace walwrap;
using namespace walwrap::daemon;
using testing::has;

namespace {

using Pair = std::pair<std::string, std::string>;

// What a run would say of these databases and replicas; "": nothing is wrong.
std::string verdict(const std::vector<Pair>& pairs, const config::Environment& environment = {}) {
  config::Config config;
  for (const auto& [path, replica] : pairs) config.databases.push_back({path, replica});
  const auto options = replicator_options(config, std::chrono::seconds(1), environment);
  return options ? "" : options.error().text;
}

}  // namespace

TEST_CASE("one place in two spellings is refused for two databases, and both are named") {
  const testing::TempDir dir;
  const auto root = dir.path().string();
  std::filesystem::create_directories(dir / "r");
  std::filesystem::create_directory_symlink(dir / "r", dir / "linked");
  const std::string endpoint = "?endpoint=https://s3.us-east-1.amazonaws.com";
  const Pair same[] = {
      {root + "/r", "file://" + root + "/r/"},
      {root + "/r", root + "//r"},
      {root + "/r", root + "/./x/../r"},
      {root + "/r", root + "/linked"},
      {"s3://bucket/app", "s3://bucket/app/"},
      {"s3://bucket/app", "s3://bucket//app"},
      {"s3://bucket/app", "s3://bucket/./x/../app"},
      {"s3://bucket/app", "s3://bucket/app" + endpoint},
      {"s3://bucket/app?endpoint=http://STORE:9000", "s3://bucket/app?endpoint=http://store:9000"},
      {"s3://bucket/app?endpoint=https://store", "s3://bucket/app?endpoint=https://store:443"},
  };
  for (const auto& pair : same) {
    const auto& one = pair.first;
    const auto& other = pair.second;
    CAPTURE(one);
    CAPTURE(other);
    const auto said = verdict({{"/a.db", one}, {"/b.db", other}});
    CHECK(has(said, "/a.db"));
    CHECK(has(said, "/b.db"));
    CHECK((has(said, "are the same place") || has(said, "is given for two databases")));
  }
}

TEST_CASE("a place inside another one is refused, and a neighbour with a longer name is not") {
  for (const auto& [outer, inner] :
       {Pair{"/x/r", "/x/r/b"}, Pair{"s3://bucket/a", "s3://bucket/a/b"}}) {
    const auto said = verdict({{"/a.db", outer}, {"/b.db", inner}});
    CHECK(has(said, "is inside"));
    CHECK(verdict({{"/a.db", inner}, {"/b.db", outer}}) != "");
  }
  CHECK(verdict({{"/a.db", "/x/r"}, {"/b.db", "/x/rr"}}).empty());
  CHECK(verdict({{"/a.db", "s3://bucket/a"}, {"/b.db", "s3://bucket/ab"}}).empty());
  CHECK(verdict({{"/a.db", "s3://bucket/a"}, {"/b.db", "s3://bucket2/a"}}).empty());
  CHECK(verdict({{"/a.db", "s3://bucket/a?endpoint=http://one"},
                 {"/b.db", "s3://bucket/a?endpoint=http://two"}})
            .empty());
}

TEST_CASE("a replica may not be the database, its directory or walwrap's own files") {
  const Pair wrong[] = {{"/data/app.db", "/data/app.db"},
                        {"/data/app.db", "/data/app.db-wal"},
                        {"/data/app.db", "/data/.app.db-walwrap/replica"},
                        {"/data/app.db", "/data"}};
  for (const auto& pair : wrong) {
    CAPTURE(pair.second);
    CHECK(has(verdict({pair}), "a separate directory"));
  }
  CHECK(verdict({{"/data/app.db", "/data/replica"}}).empty());
  CHECK(has(verdict({{"/data/a.db", "/x/a"}, {"/x/a/b.db", "/x/b"}}), "a separate directory"));
}

TEST_CASE("two names of one file are one database") {
  const testing::TempDir dir;
  const auto one = (dir / "a.db").string(), other = (dir / "b.db").string();
  { const auto made = os::File::open(one, os::File::Open::CreateNew); }
  std::filesystem::create_hard_link(one, other);
  CHECK(has(verdict({{one, "/x/a"}, {other, "/x/b"}}), "are the same file"));
}

TEST_CASE("a path is on the container's disk if / is an overlay or new each time") {
  CHECK_FALSE(is_on_container_disk("/proc/self", "/", "heroku"));
  CHECK(is_on_container_disk("/no/such/directory", "/", "heroku"));
  const auto type = os::filesystem_name("/").value_or("");
  CHECK(is_on_container_disk("/", "/", "docker") == (type == "overlay" || type == "aufs"));
  CHECK(existing_part("/no/such/directory") == "/");
}
