#include "walwrap/sqlite/lending.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/app_db.hpp"
#include "tests/support/app_process.hpp"
#include "tests/support/owner.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/writer_process.hpp"

namespace walwrap::sqlite {
namespace {

using Outcome = Lending::Outcome;
using testing::WriterProcess;

// An app with one connection and no busy timeout.
struct LendingRig {
  testing::TempDir directory;
  testing::AppDb app{directory / "app.db"};
  std::unique_ptr<CheckpointOwner> owner;

  LendingRig() {
    app.run("PRAGMA busy_timeout=0; PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    app.run("PRAGMA synchronous=OFF");
    owner = CheckpointOwner::attach(directory / "app.db", testing::kClock).value();
  }
  void write(int commits) {
    for (int i = 0; i < commits; ++i) app.run("INSERT INTO t VALUES(randomblob(3000))");
  }
  wal::IndexHeader header() const { return owner->read_index()->header; }
  std::string checkpoint() { return app.text("PRAGMA wal_checkpoint(PASSIVE)"); }
};

TEST_CASE("under the restart guard everything may be checkpointed, and the WAL does not restart") {
  LendingRig rig;
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

TEST_CASE("the guard takes no read mark that an app's reader uses") {
  LendingRig rig;
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

// Apps in processes of their own, one for each `wal_autocheckpoint`.
struct Apps {
  testing::TempDir directory;
  std::filesystem::path database = directory / "app.db";
  std::vector<std::unique_ptr<WriterProcess>> writers;
  std::unique_ptr<CheckpointOwner> owner;

  struct Script {
    std::string setup, each;
  };
  explicit Apps(const std::vector<int>& autocheckpoints, const std::vector<Script>& others = {}) {
    testing::AppDb(database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    for (const auto& [setup, each] : others) {
      writers.push_back(std::make_unique<WriterProcess>(database, setup, each));
    }
    for (const int pages : autocheckpoints) {
      writers.push_back(std::make_unique<WriterProcess>(
          database, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=" + std::to_string(pages),
          "INSERT INTO t VALUES(randomblob(3000))"));
    }
    owner = CheckpointOwner::attach(database, testing::kClock).value();
  }
  wal::IndexHeader header() const {
    while (true) {
      if (const auto index = owner->read_index()) return index->header;
    }
  }
  // `at_capture`: what else happens at each look.
  Outcome lend(const std::function<void()>& at_capture = [] {}) const {
    auto lending = Lending::begin(*owner).value();
    auto outcome = Outcome::Lent;
    while (outcome == Outcome::Lent) {
      outcome = lending
                    .go_on([&]() -> Result<void> {
                      at_capture();
                      return {};
                    })
                    .value();
    }
    CHECK(owner->holds_lock());
    return outcome;
  }
  // Again where the app had to wait for a processor.
  Outcome lend_until_commit() const {
    auto outcome = Outcome::NoCommit;
    for (int i = 0; i < 50 && outcome == Outcome::NoCommit; ++i) outcome = lend();
    return outcome;
  }
};

TEST_CASE("a process that borrows the checkpoint lock restarts the WAL with its own commit") {
  Apps apps({1000});
  auto& writer = *apps.writers[0];
  int restarts = 0;
  for (int i = 0; i < 20 && restarts < 3; ++i) {
    writer.write(600);
    const auto before = apps.header();
    writer.go();
    const auto outcome = apps.lend();
    writer.pause();
    if (outcome != Outcome::Restarts) continue;
    writer.write(1);
    CHECK(apps.header().salts != before.salts);
    ++restarts;
  }
  CHECK(restarts == 3);
  CHECK(writer.busy() == 0);
  testing::AppDb app(apps.database);
  CHECK(app.number("SELECT count(*) FROM t") == writer.written());
  CHECK(app.text("PRAGMA wal_checkpoint(PASSIVE)") == "1");  // the lock is ours again
}

TEST_CASE("a process that checkpoints each commit does not restart the WAL twice in one lending") {
  Apps apps({1});
  auto& writer = *apps.writers[0];
  writer.go();
  for (int i = 0; i < 10; ++i) {
    while (apps.header().max_frame == 0) std::this_thread::yield();
    const auto before = apps.header();
    // Late at each look, as where others have the processors: there are commits in between.
    apps.lend([] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); });
    const auto after = apps.header();
    CHECK(after.salts.first - before.salts.first <= 1);  // one more with each restart
  }
  writer.pause();
  CHECK(writer.busy() == 0);
}

TEST_CASE("a writer that is killed while the lock is lent does not keep the lock") {
  Apps apps({1, 1});
  apps.writers[0]->write(5);
  for (auto& writer : apps.writers) writer->go();
  int looks = 0;
  apps.lend([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (++looks == 1) apps.writers[0]->kill();
  });
  CHECK(looks >= 1);
  apps.writers[1]->pause();
}

TEST_CASE("under the copy guard the WAL restarts once, however often the app checkpoints") {
  LendingRig rig;
  rig.write(5);
  REQUIRE(rig.owner->take_restart_guard().value());
  rig.owner->release_lock();
  CHECK(rig.checkpoint() == "0");
  REQUIRE(rig.owner->take_copy_guard().value());
  rig.owner->release_restart_guard();
  const auto before = rig.header();
  for (int i = 0; i < 5; ++i) {
    rig.write(1);
    CHECK(rig.checkpoint() == "0");
    CHECK(rig.header().salts.first == before.salts.first + 1);
  }
  CHECK(rig.owner->read_index()->checkpoint.backfilled == 0);
  REQUIRE(rig.owner->take_lock_back().value());
  rig.owner->release_copy_guard();
}

TEST_CASE("an app that waits for its RESTART or TRUNCATE checkpoint gets it from a lending") {
  for (const std::string mode : {"RESTART", "TRUNCATE"}) {
    CAPTURE(mode);
    const std::string each = "INSERT INTO t VALUES(1); PRAGMA wal_checkpoint(" + mode + ")";
    Apps apps({}, {{"PRAGMA wal_autocheckpoint=0; PRAGMA busy_timeout=20000", each}});
    auto& writer = *apps.writers[0];
    const auto begun = testing::kClock.mono();
    for (int i = 0; i < 5; ++i) {
      writer.go();
      apps.lend();
      writer.pause();
    }
    CHECK(testing::kClock.mono() - begun < std::chrono::seconds(10));
    CHECK(writer.written() > 0);
  }
}

TEST_CASE("the outcome of a lending tells what the app did") {
  Apps apps({1000, 0});
  auto& usual = *apps.writers[0];
  auto& never = *apps.writers[1];
  usual.write(600);
  CHECK(apps.lend() == Outcome::NoCommit);
  never.go();
  CHECK(apps.lend_until_commit() == Outcome::NoCheckpoint);
  never.pause();
  testing::AppDb reader(apps.database);
  reader.run("BEGIN; SELECT count(*) FROM t");
  usual.write(1);
  usual.go();
  CHECK(apps.lend_until_commit() == Outcome::NotFinished);
  reader.run("COMMIT");
  usual.pause();
}

TEST_CASE("an error during a lending changes nothing, and the next try continues") {
  Apps apps({1});
  auto& writer = *apps.writers[0];
  writer.write(5);
  writer.go();
  auto lending = Lending::begin(*apps.owner).value();
  int captures = 0;
  const auto capture = [&]() -> Result<void> {
    if (++captures % 3 == 0) return fail(Code::Busy, "not now");
    return {};
  };
  while (true) {
    const auto outcome = lending.go_on(capture);
    if (outcome && *outcome != Outcome::Lent) break;
  }
  writer.pause();
  CHECK(apps.owner->holds_lock());
  CHECK(apps.owner->take_restart_guard().value());  // the guard is gone
  apps.owner->release_restart_guard();
}

TEST_CASE("checking for a writer does not change walwrap's own locks") {
  const testing::TempDir directory;
  testing::AppDb(directory / "app.db").run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const testing::AppProcess app(directory / "app.db", "BEGIN IMMEDIATE");
  const auto owner = CheckpointOwner::attach(directory / "app.db", testing::kClock).value();
  CHECK(owner->is_written());
  testing::AppDb other(directory / "app.db");
  CHECK(other.text("PRAGMA wal_checkpoint(PASSIVE)") == "1");
}

}  // namespace
}  // namespace walwrap::sqlite
