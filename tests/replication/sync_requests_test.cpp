#include "walwrap/replication/sync_requests.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"
#include "walwrap/replication/replica/listing.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::World;

// What a wait without a position does, with ten seconds of patience.
Progress wait_for_all(SyncRequests& sync_requests, SyncRequests::Pace pace) {
  const MonoTime give_up = testing::kSystemClock.mono() + std::chrono::seconds(10);
  const auto ticket = sync_requests.ask_look(pace);
  std::optional<std::uint64_t> target;
  Progress progress;
  while (testing::kSystemClock.mono() < give_up) {
    progress = sync_requests.progress();
    if (!target && progress.attached && progress.looked >= ticket) {
      target = progress.committed.commits;
    }
    if (target && progress.stored >= *target) return progress;
    sync_requests.progressed().wait_for(std::chrono::milliseconds(100));
  }
  FAIL("not stored in ten seconds");
  return progress;
}

std::int64_t rows_in_replica(const World& world) {
  const auto output = world.directory / "restored.db";
  std::filesystem::remove(output);
  const auto open = [&](const Stopped&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    return world.store();
  };
  const auto listing = list_replica(*world.store(), KeyStyle::Directory).value();
  RestoreRequest request;
  request.open_store = open;
  request.plan = plan_restore(listing.files, {}).value();
  request.output = output;
  REQUIRE(restore_database(request).has_value());
  return AppDb(output).number("SELECT count(*) FROM t");
}

TEST_CASE("a commit that is reported as stored is always in the replica") {
  const World world;
  auto options = world.options();
  options.interval = std::chrono::milliseconds(1);
  auto replicator = world.prepare(options).value();
  REQUIRE(replicator->start());
  AppDb app(world.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  for (int row = 1; row <= 30; ++row) {
    app.run("INSERT INTO t VALUES(randomblob(100))");
    wait_for_all(replicator->sync_requests(), SyncRequests::Pace::Usual);
    REQUIRE(rows_in_replica(world) == row);
  }
}

TEST_CASE("commits from before a start are not reported as stored too early") {
  const World world;
  {
    AppDb app(world.database);
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  }
  auto replicator = world.prepare(world.options()).value();
  REQUIRE(replicator->start());
  wait_for_all(replicator->sync_requests(), SyncRequests::Pace::Usual);
  CHECK(rows_in_replica(world) == 1);
}

TEST_CASE("an edit made between two runs is not reported as stored too early") {
  const World world;
  world.live("CREATE TABLE t(a)");
  AppDb(world.database).run("INSERT INTO t VALUES(1)");
  auto replicator = world.prepare(world.options()).value();
  REQUIRE(replicator->start());
  wait_for_all(replicator->sync_requests(), SyncRequests::Pace::Usual);
  CHECK(rows_in_replica(world) == 1);
}

TEST_CASE("a flush ignores a pace of an hour and does not change it") {
  const World world;
  auto options = world.options();
  options.interval = std::chrono::hours(1);
  auto replicator = world.prepare(options).value();
  REQUIRE(replicator->start());
  AppDb app(world.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  for (int row = 1; row <= 30; ++row) {  // more than a burst
    app.run("INSERT INTO t VALUES(1)");
    wait_for_all(replicator->sync_requests(), SyncRequests::Pace::StoreNow);
  }
  CHECK(rows_in_replica(world) == 30);
}

TEST_CASE("a machine that restored a later snapshot recognises its replica at the next start") {
  const World world;
  world.live("CREATE TABLE t(a)");
  {
    auto replicator = world.prepare(world.options()).value();
    REQUIRE(replicator->start());
    const auto ticket = replicator->sync_requests().ask_snapshot();
    while (replicator->sync_requests().progress().snapshot.ticket != ticket) {
      replicator->sync_requests().progressed().wait_for(std::chrono::milliseconds(100));
    }
    const auto flushed = replicator->flush(testing::kSystemClock.mono() + std::chrono::seconds(20));
    REQUIRE(flushed.outcome == FlushOutcome::Ok);
  }
  world.wipe();
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  const auto again = world.live("INSERT INTO t VALUES(1)");
  CHECK_MESSAGE(again.outcome == FlushOutcome::Ok, again.missing);
  CHECK(rows_in_replica(world) == 1);
}

TEST_CASE("a snapshot requested under load leads to all commits before the request") {
  const World world;
  auto replicator = world.prepare(world.options()).value();
  REQUIRE(replicator->start());
  AppDb app(world.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  for (int row = 1; row <= 50; ++row) app.run("INSERT INTO t VALUES(randomblob(5000))");
  const auto ticket = replicator->sync_requests().ask_snapshot();
  SnapshotDone done;
  for (int i = 0; i < 2'000 && done.ticket < ticket; ++i) {
    app.run("INSERT INTO t VALUES(randomblob(5000))");
    os::pause_for(std::chrono::milliseconds(5));
    done = replicator->sync_requests().progress().snapshot;
  }
  REQUIRE(done.ticket == ticket);
  CHECK_MESSAGE(done.error.empty(), done.error);
  CHECK(done.bytes > 0);
  const auto flushed =
      replicator->flush(testing::kSystemClock.mono() + std::chrono::milliseconds(20'000));
  CHECK(flushed.outcome == FlushOutcome::Ok);
  // Without the files that led there before.
  std::filesystem::remove_all(world.replica / "ltx" / "0");
  CHECK(rows_in_replica(world) >= 50);
}

TEST_CASE("without a database no commit is reported as stored") {
  const World world;
  auto replicator = world.prepare(world.options()).value();
  REQUIRE(replicator->start());
  replicator->sync_requests().ask_look(SyncRequests::Pace::Usual);
  os::pause_for(std::chrono::milliseconds(50));
  CHECK_FALSE(replicator->sync_requests().progress().attached);
  CHECK(replicator->sync_requests().progress().looked == 0);
}

TEST_CASE("another file at the path, or another run, has other positions") {
  const World world;
  const auto position_of = [&](RandomId run) {
    auto options = world.options();
    options.run = run;
    options.policy.on_diverged = OnDiverged::UseLocal;
    auto replicator = world.prepare(options).value();
    REQUIRE(replicator->start());
    return wait_for_all(replicator->sync_requests(), SyncRequests::Pace::Usual).committed;
  };
  AppDb(world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto first = position_of({1});
  const auto again = position_of({1});
  CHECK(again.file == first.file);
  CHECK(again.attachment != first.attachment);
  CHECK(position_of({2}).file != first.file);
}

TEST_CASE("parsing a formatted position gives the same position") {
  const CommitPosition position{.file = {0x1f}, .attachment = {~0ULL}, .commits = 12'345};
  CHECK(format_position(position) == "000000000000001f-ffffffffffffffff-12345");
  CHECK(parse_position(format_position(position)) == position);
}

TEST_CASE("a malformed position is refused") {
  for (const char* text :
       {"", "-", "--", "1-2-3", "000000000000001f-ffffffffffffffff", "now",
        "000000000000001f-ffffffffffffffff-", "000000000000001f-ffffffffffffffff--1",
        "000000000000001f-ffffffffffffffff-99999999999999999999",
        "000000000000001f-ffffffffffffffff-1-1", "000000000000001F-ffffffffffffffff-1"}) {
    CHECK_MESSAGE(!parse_position(text), text);
  }
}

TEST_CASE("each ticket is newer than the one before and wakes the capture thread") {
  const auto sync_requests = SyncRequests::create().value();
  CHECK_FALSE(sync_requests->asked().wait_for(std::chrono::milliseconds(0)));
  const auto first = sync_requests->ask_look(SyncRequests::Pace::Usual);
  const auto second = sync_requests->ask_look(SyncRequests::Pace::StoreNow);
  const auto third = sync_requests->ask_look(SyncRequests::Pace::Usual);
  CHECK(first < second);
  CHECK(second < third);
  CHECK(sync_requests->asked().wait_for(std::chrono::milliseconds(0)));
  CHECK(sync_requests->requested().look == third);
  CHECK(sync_requests->requested().store_now == second);
}

TEST_CASE("progress wakes the waiting clients, and no progress wakes no client") {
  const auto sync_requests = SyncRequests::create().value();
  Progress progress;
  sync_requests->publish(progress);
  progress.stored = 1;
  sync_requests->publish(progress);
  CHECK_FALSE(sync_requests->progressed().wait_for(std::chrono::milliseconds(0)));  // nobody waits
  progress.looked = sync_requests->ask_look(SyncRequests::Pace::Usual);
  sync_requests->publish(progress);
  CHECK(sync_requests->progressed().wait_for(std::chrono::milliseconds(0)));
  sync_requests->publish(progress);
  CHECK_FALSE(sync_requests->progressed().wait_for(std::chrono::milliseconds(0)));
  CHECK(sync_requests->progress() == progress);
  sync_requests->stop_listening();
  progress.stored = 2;
  sync_requests->publish(progress);
  CHECK_FALSE(sync_requests->progressed().wait_for(std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace walwrap::replication
