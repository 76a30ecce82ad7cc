#include "walwrap/sqlite/lending.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/app_db.hpp"
#include "tests/support/owner.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/sqlite/connection.hpp"
#include "walwrap/sqlite/shim.hpp"

namespace walwrap::sqlite {
namespace {

using Outcome = Lending::Outcome;
using Purpose = Lending::Purpose;

// An app with one connection and no busy timeout.
struct Rig {
  testing::TempDir directory;
  testing::AppDb app{directory / "app.db"};
  std::unique_ptr<CheckpointOwner> owner;

  explicit Rig(int autocheckpoint = 1000) {
    app.run("PRAGMA busy_timeout=0; PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    app.run("PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=" + std::to_string(autocheckpoint));
    owner = CheckpointOwner::attach(directory / "app.db", testing::kClock).value();
  }
  void write(int commits) {
    for (int i = 0; i < commits; ++i) app.run("INSERT INTO t VALUES(randomblob(3000))");
  }
  // Again where this process had to wait for a processor, so that nothing could be seen of the app.
  template <typename Once>
  static Outcome try_often(const Once& once) {
    constexpr int kTries = 50;
    auto outcome = Outcome::NoCommit;
    for (int i = 0; i < kTries; ++i) {
      outcome = once();
      if (outcome != Outcome::NoCommit && outcome != Outcome::NoProcessor) break;
    }
    return outcome;
  }
  Outcome lend(Purpose purpose, const std::function<void()>& step) const {
    return try_often([&] { return lend_once(purpose, step); });
  }
  // With `step` done at every third look, as often as it takes: in between, all is captured.
  Outcome lend_once(Purpose purpose, const std::function<void()>& step) const {
    auto lending = Lending::begin(*owner, purpose).value();
    int looks = 0;
    const CheckpointOwner::CaptureFn capture = [&]() -> Result<void> {
      if (++looks % 3 == 0) step();
      return {};
    };
    auto outcome = Outcome::Lent;
    while (outcome == Outcome::Lent) outcome = lending.go_on(capture).value();
    CHECK(owner->holds_lock());
    return outcome;
  }
  wal::IndexHeader header() const { return owner->read_index()->header; }
  std::string checkpoint() { return app.text("PRAGMA wal_checkpoint(PASSIVE)"); }
};

TEST_CASE("under the restart guard everything may be backfilled, and the WAL does not restart") {
  Rig rig;
  rig.write(5);
  const auto before = rig.header();
  REQUIRE(rig.owner->take_restart_guard().value());
  rig.owner->release_lock();
  CHECK(rig.checkpoint() == "0");
  CHECK(rig.owner->read_index()->not_backfilled() == 0);
  CHECK(rig.app.text("PRAGMA wal_checkpoint(RESTART)") == "1");
  rig.write(1);
  CHECK(rig.header().salts == before.salts);
  CHECK(rig.header().max_frame > before.max_frame);
  CHECK(rig.checkpoint() == "0");
  rig.owner->release_restart_guard();
  rig.write(1);
  CHECK(rig.header().salts != before.salts);
  REQUIRE(rig.owner->take_lock_back().value());
  CHECK(rig.checkpoint() == "1");
}

TEST_CASE("the guard takes no slot that a reader of the app's has marked") {
  Rig rig;
  rig.write(1);
  std::vector<std::unique_ptr<testing::AppDb>> readers;
  for (int i = 0; i < 4; ++i) {
    readers.push_back(std::make_unique<testing::AppDb>(rig.directory / "app.db"));
    readers.back()->run("BEGIN; SELECT count(*) FROM t");
    rig.write(1);
  }
  CHECK_FALSE(rig.owner->take_restart_guard().value());
  for (auto& reader : readers) CHECK(reader->number("SELECT count(*) FROM t") < 5);
  readers.back()->run("COMMIT");
  CHECK(rig.owner->take_restart_guard().value());
  rig.owner->release_restart_guard();
}

TEST_CASE("an app that the lock is lent to begins the WAL anew inside its own commits") {
  Rig rig;
  rig.write(1'100);
  const auto before = rig.header();
  CHECK(rig.lend(Purpose::Restart, [&] { rig.write(1); }) == Outcome::Restarts);
  rig.write(1);
  CHECK(rig.header().salts != before.salts);
  CHECK(rig.header().max_frame < 20);
  CHECK(rig.checkpoint() == "1");  // the lock is ours again
}

TEST_CASE("a writer at full speed without a busy timeout meets no SQLITE_BUSY from a lending") {
  Rig rig;
  std::atomic<bool> stop{false};
  std::atomic<int> busy{0}, written{0};
  std::thread writer([&] {
    while (!stop) {
      const int code = rig.app.try_run("INSERT INTO t VALUES(randomblob(3000))");
      busy += code == SQLITE_BUSY ? 1 : 0;
      written += code == SQLITE_OK ? 1 : 0;
    }
  });
  int restarts = 0;
  for (int i = 0; i < 20 && restarts < 3; ++i) {
    while (rig.owner->read_index()->header.max_frame < 1'200) std::this_thread::yield();
    if (rig.lend(Purpose::Restart, [] {}) == Outcome::Restarts) ++restarts;
  }
  stop = true;
  writer.join();
  CHECK(restarts == 3);
  CHECK(busy == 0);
  CHECK(rig.app.number("SELECT count(*) FROM t") == written);
}

TEST_CASE("what the app does while the lock is lent is told apart") {
  Rig rig;
  rig.write(50);
  CHECK(rig.lend_once(Purpose::Restart, [] {}) == Outcome::NoCommit);
  CHECK(rig.lend(Purpose::Restart, [&] { rig.write(1); }) == Outcome::NoCheckpoint);
  rig.write(1'100);
  testing::AppDb reader(rig.directory / "app.db");
  reader.run("BEGIN; SELECT count(*) FROM t");
  CHECK(rig.lend(Purpose::Restart, [&] { rig.write(1); }) == Outcome::NotFinished);
  reader.run("COMMIT");
  CHECK(rig.lend(Purpose::Restart, [&] { rig.write(1); }) == Outcome::Restarts);
}

TEST_CASE("somebody who writes beside another one's checkpoint brings the guard back") {
  Rig rig;
  rig.write(10);
  const auto before = rig.header();
  std::fstream shm(rig.directory / "app.db-shm", std::ios::in | std::ios::out | std::ios::binary);
  // A checkpoint that has set out for the last frame, and takes long.
  const auto attempt = [&](std::uint32_t frame) {
    shm.seekp(wal::kFirstLockByte + 8);
    shm.write(reinterpret_cast<const char*>(&frame), sizeof(frame)).flush();
  };
  auto other = Connection::open(rig.directory / "app.db", {.vfs = register_shim()}).value();
  REQUIRE(other.execute("SELECT * FROM t").has_value());
  const auto outcome = Rig::try_often([&] {
    int steps = 0;
    return rig.lend_once(Purpose::Restart, [&] {
      ++steps;
      if (steps == 1) {
        constexpr int kLock = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
        REQUIRE(lock_without_shim(other.file(), wal::kCheckpointLock, kLock) == SQLITE_OK);
        attempt(rig.header().max_frame);
      }
      if (steps == 2) rig.write(1);
      if (steps == 4) {
        constexpr int kUnlock = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;
        REQUIRE(lock_without_shim(other.file(), wal::kCheckpointLock, kUnlock) == SQLITE_OK);
      }
    });
  });
  CHECK(outcome == Outcome::SeveralWriters);
  CHECK(rig.header().salts == before.salts);
}

TEST_CASE("a probe tells an app that checkpoints at each commit from one that does not") {
  Rig each(1);
  each.write(3);
  CHECK(each.lend(Purpose::Probe, [&] { each.write(1); }) == Outcome::ChecksEachCommit);
  Rig usual(1000);
  usual.write(3);
  const auto before = usual.header();
  CHECK(usual.lend(Purpose::Probe, [&] { usual.write(1); }) == Outcome::NoCheckpoint);
  CHECK(usual.lend_once(Purpose::Probe, [] {}) == Outcome::NoCommit);
  CHECK(usual.header().salts == before.salts);
}

}  // namespace
}  // namespace walwrap::sqlite
