#include "walwrap/replication/startup/set_aside.hpp"

#include <doctest/doctest.h>

#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"

namespace walwrap::replication {
namespace {

const WallTime kNow{std::chrono::milliseconds(1'767'225'601'250)};  // 2026-01-01T00:00:01.25Z
const Log kQuiet({.minimum = LogLevel::Error,
                  .now = [] { return kNow; },
                  .sink = [](std::string_view) {}});

TEST_CASE("a database set aside keeps its content and its WAL, and its name gives the reason") {
  const testing::TempDir directory;
  const auto database = directory / "app.db";
  testing::write_text(database, "database");
  testing::write_text(directory / "app.db-wal", "log");
  REQUIRE(set_database_aside(database, "replaced", kNow, kQuiet).has_value());
  CHECK_FALSE(os::exists(database));
  CHECK_FALSE(os::exists(directory / "app.db-wal"));
  CHECK(testing::text_of(directory / "app.db.walwrap-replaced-20260101T000001Z") == "database");
  CHECK(testing::text_of(directory / "app.db.walwrap-replaced-20260101T000001Z-wal") == "log");
}

TEST_CASE("two databases set aside within one second do not overwrite each other") {
  const testing::TempDir directory;
  const auto database = directory / "app.db";
  for (const char* text : {"first", "second", "third"}) {
    testing::write_text(database, text);
    REQUIRE(set_database_aside(database, "replaced", kNow, kQuiet).has_value());
  }
  CHECK(testing::text_of(directory / "app.db.walwrap-replaced-20260101T000001Z") == "first");
  CHECK(testing::text_of(directory / "app.db.walwrap-replaced-20260101T000001Z.2") == "second");
  CHECK(testing::text_of(directory / "app.db.walwrap-replaced-20260101T000001Z.3") == "third");
}

TEST_CASE("a WAL without its database is set aside too") {
  const testing::TempDir directory;
  testing::write_text(directory / "app.db-wal", "log");
  REQUIRE(set_database_aside(directory / "app.db", "leftover", kNow, kQuiet).has_value());
  CHECK(testing::text_of(directory / "app.db.walwrap-leftover-20260101T000001Z-wal") == "log");
}

TEST_CASE("setting aside an absent database does nothing") {
  const testing::TempDir directory;
  REQUIRE(set_database_aside(directory / "app.db", "leftover", kNow, kQuiet).has_value());
  CHECK(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace walwrap::replication
