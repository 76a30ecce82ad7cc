#include "walwrap/replication/startup/boot_directory.hpp"

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::kNoLog;
using testing::kSystemClock;

struct Start {
  explicit Start(const os::Path& database)
      : wait{.database = database,
             .give_up = kSystemClock.mono(),
             .pause = [](auto /*length*/) { return Result<void>(); }},
        directory(database, {}) {}
  Result<void> look() { return directory.open_existing(wait, kSystemClock, kNoLog); }

  LockWait wait;
  BootDirectory directory;
};

TEST_CASE("a start creates no state directory before it owns the database") {
  const testing::TempDir dir;
  const os::Path database = dir / "app.db";
  Start start(database);
  REQUIRE(start.look().has_value());
  CHECK_FALSE(start.directory.is_open());
  CHECK_FALSE(os::exists(StateDir::path_for(database)));
  REQUIRE(start.directory.own().has_value());
  CHECK(start.directory.is_open());
  CHECK(os::exists(StateDir::path_for(database)));
}

TEST_CASE("one of two starts without a state directory decides again") {
  const testing::TempDir dir;
  const os::Path database = dir / "app.db";
  Start first(database);
  Start second(database);
  REQUIRE(first.look().has_value());
  REQUIRE(second.look().has_value());
  REQUIRE(first.directory.own().has_value());
  CHECK(second.directory.own().error().code == Code::Busy);
  CHECK(second.look().error().code == Code::Busy);  // the first one still has the lock
}

TEST_CASE("a start that waited for another one decides again with the other's state") {
  const testing::TempDir dir;
  const os::Path database = dir / "app.db";
  Start late(database);
  REQUIRE(late.look().has_value());
  {
    Start other(database);
    REQUIRE(other.directory.own().has_value());
    REQUIRE(other.directory.get().save(SavedState{}).has_value());
  }
  CHECK(late.directory.own().error().code == Code::Busy);
  REQUIRE(late.look().has_value());
  CHECK(late.directory.own().has_value());
}

}  // namespace
}  // namespace walwrap::replication
