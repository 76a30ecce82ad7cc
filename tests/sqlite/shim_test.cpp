#include "walwrap/sqlite/shim.hpp"

#include <doctest/doctest.h>

#include "tests/support/app_db.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/sqlite/connection.hpp"
#include "walwrap/wal/index.hpp"

namespace walwrap::sqlite {
namespace {

constexpr int kLock = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
constexpr int kUnlock = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;

struct TwoConnections {
  testing::TempDir directory;
  std::atomic<bool> held{false};
  Connection holder = open();
  Connection other = open();

  Connection open() {
    testing::AppDb(directory / "app.db")
        .run("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(a)");
    auto connection = Connection::open(directory / "app.db", {.vfs = register_shim()}).value();
    share_checkpoint_lock(connection.file(), held);
    REQUIRE(connection.execute("SELECT * FROM t").has_value());
    return connection;
  }
  int lock(Connection& connection, int first, int count, int flags) {
    sqlite3_file* file = connection.file();
    return file->pMethods->xShmLock(file, first, count, flags);
  }
};

TEST_CASE("the checkpoint lock excludes walwrap's connections until it is declared as held") {
  TwoConnections world;
  REQUIRE(lock_without_shim(world.holder.file(), wal::kCheckpointLock, kLock) == SQLITE_OK);
  CHECK(world.lock(world.other, wal::kCheckpointLock, 1, kLock) == SQLITE_BUSY);
  world.held = true;
  CHECK(world.lock(world.other, wal::kCheckpointLock, 1, kLock) == SQLITE_OK);
  CHECK(world.lock(world.other, wal::kCheckpointLock, 1, kUnlock) == SQLITE_OK);
}

TEST_CASE("a lock range over the checkpoint lock really takes all its other locks") {
  TwoConnections world;
  REQUIRE(lock_without_shim(world.holder.file(), wal::kCheckpointLock, kLock) == SQLITE_OK);
  world.held = true;
  REQUIRE(world.lock(world.other, wal::kWriteLock, 3, kLock) == SQLITE_OK);
  CHECK(lock_without_shim(world.holder.file(), wal::kWriteLock, kLock) == SQLITE_BUSY);
  CHECK(lock_without_shim(world.holder.file(), wal::kRecoverLock, kLock) == SQLITE_BUSY);
  REQUIRE(world.lock(world.other, wal::kWriteLock, 3, kUnlock) == SQLITE_OK);
  CHECK(lock_without_shim(world.holder.file(), wal::kWriteLock, kLock) == SQLITE_OK);
  CHECK(lock_without_shim(world.holder.file(), wal::kRecoverLock, kLock) == SQLITE_OK);
}

TEST_CASE("a lock range is taken completely or not at all") {
  TwoConnections world;
  REQUIRE(lock_without_shim(world.holder.file(), wal::kCheckpointLock, kLock) == SQLITE_OK);
  REQUIRE(lock_without_shim(world.holder.file(), wal::kRecoverLock, kLock) == SQLITE_OK);
  world.held = true;
  CHECK(world.lock(world.other, wal::kWriteLock, 3, kLock) == SQLITE_BUSY);
  CHECK(lock_without_shim(world.holder.file(), wal::kWriteLock, kLock) == SQLITE_OK);
}

TEST_CASE("a connection without the write lock can read and cannot write") {
  TwoConnections world;
  set_write_lock(world.other.file(), WriteLock::Refused);
  CHECK(world.lock(world.other, wal::kWriteLock, 1, kLock) == SQLITE_BUSY_RECOVERY);
  CHECK(world.other.execute("SELECT * FROM t").has_value());
  CHECK(world.other.execute("INSERT INTO t VALUES(1)").error().code == Code::Busy);
  set_write_lock(world.other.file(), WriteLock::Allowed);
  CHECK(world.other.execute("INSERT INTO t VALUES(1)").has_value());
}

TEST_CASE("the shim knows which read lock a transaction holds") {
  TwoConnections world;
  CHECK(held_read_lock(world.other.file()) == -1);
  testing::AppDb(world.directory / "app.db").run("INSERT INTO t VALUES(1)");
  REQUIRE(world.other.execute("BEGIN; SELECT * FROM t").has_value());
  CHECK(held_read_lock(world.other.file()) > 0);
  REQUIRE(world.other.execute("COMMIT").has_value());
  CHECK(held_read_lock(world.other.file()) == -1);
  REQUIRE(world.holder.execute("PRAGMA wal_checkpoint(TRUNCATE)").has_value());
  REQUIRE(world.other.execute("BEGIN; SELECT * FROM t").has_value());
  CHECK(held_read_lock(world.other.file()) == 0);
}

}  // namespace
}  // namespace walwrap::sqlite
