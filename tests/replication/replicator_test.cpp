#include "walwrap/replication/replicator.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/support/comes_true.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/world.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::comes_true;
using testing::World;

TEST_CASE("a restore on an empty machine has the commits of the flush") {
  const World world;
  const auto report = world.live("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(20000)), (7)");
  REQUIRE_MESSAGE(report.outcome == FlushOutcome::Ok, report.missing);
  CHECK(report.checkpointed);
  CHECK(report.lag_bytes == 0);
  const auto before = AppDb(world.database).text("SELECT hex(a) FROM t");
  world.wipe();
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  AppDb app(world.database);
  CHECK(app.text("SELECT hex(a) FROM t") == before);
  CHECK(app.text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a start over an unchanged database uploads nothing") {
  const World world;
  const auto first = world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  const auto second = world.live("");
  CHECK(second.outcome == FlushOutcome::Ok);
  CHECK(second.txid == first.txid);
}

TEST_CASE("the next start uploads an edit that was made while walwrap did not run") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  AppDb(world.database).run("INSERT INTO t VALUES(2)");
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  world.wipe();
  world.live("");
  CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 2);
}

TEST_CASE("an app that never creates its database has nothing to flush") {
  const World world;
  const auto report = world.live("");
  CHECK(report.outcome == FlushOutcome::Nothing);
  CHECK(report.missing.find("no database appeared") != std::string::npos);
  CHECK(report.txid == Txid{0});
}

// A world whose replica is a bucket that fails to order.
struct Cloud {
  World world;
  testing::FakeBucket bucket;
  storage::CallBudgetFn budget;  // of the store that was opened last

  ReplicatorOptions options() {
    auto options = world.options();
    options.location.kind = storage::StoreKind::S3;
    options.open_store = [this](const storage::Location&, const storage::Surroundings& surroundings)
        -> Result<std::unique_ptr<storage::ObjectStore>> {
      budget = surroundings.budget;
      return std::unique_ptr<storage::ObjectStore>(std::make_unique<testing::FakeStore>(bucket));
    };
    return options;
  }
  std::unique_ptr<Replicator> start() {
    auto replicator = world.prepare(options()).value();
    replicator->start().value();
    return replicator;
  }
  void fail_all(bool fails) {
    bucket.faults().fail_all(fails ? std::optional(testing::StoreFault::error(Code::Unavailable))
                                   : std::nullopt);
  }
};

MonoTime in(std::chrono::milliseconds time) {
  return testing::kSystemClock.mono() + time;
}

// The files and directories that this process watches.
int count_watches() {
  const std::filesystem::path descriptors = "/proc/self/fdinfo";
  int count = 0;
  for (const auto& name : os::list_directory(descriptors).value()) {
    const auto info = os::read_file(descriptors / name, 1 << 20);
    if (!info) continue;  // of the listing itself
    const std::string_view text = as_text(*info);
    for (auto at = text.find("inotify wd:"); at != std::string_view::npos;
         at = text.find("inotify wd:", at + 1)) {
      ++count;
    }
  }
  return count;
}

TEST_CASE("a writer without pauses is not watched, and is watched again when it pauses") {
  const World world;
  AppDb app(world.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  auto replicator = world.prepare(world.options()).value();
  replicator->start().value();
  constexpr int kDirectory = 1, kBoth = 2;
  CHECK(comes_true([&] { return count_watches() == kBoth; }));
  CHECK(comes_true([&] {
    app.run("INSERT INTO t VALUES(1)");
    return count_watches() == kDirectory;
  }));
  CHECK(comes_true([&] { return count_watches() == kBoth; }));
  const auto report = replicator->flush(in(std::chrono::seconds(20)));
  CHECK(report.outcome == FlushOutcome::Ok);
}

TEST_CASE("a start with a known database sends three requests before the app runs") {
  Cloud cloud;
  AppDb(cloud.world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto first = cloud.start()->flush(in(std::chrono::seconds(20)));
  CHECK(first.outcome == FlushOutcome::Ok);
  CHECK(first.fencing == Fencing::On);
  cloud.bucket.forget_calls();
  REQUIRE(cloud.world.prepare(cloud.options()).has_value());
  CHECK(cloud.bucket.count(testing::StoreOperation::Get) == 2);  // the identity, the newest header
  CHECK(cloud.bucket.count(testing::StoreOperation::List) == 1);
  CHECK(cloud.bucket.calls().size() == 3);
}

TEST_CASE("a store that overwrites is reported as unfenced and still used") {
  Cloud cloud;
  AppDb(cloud.world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  std::vector<std::string> lines;
  std::mutex mutex;
  const Log log({.minimum = LogLevel::Warn,
                 .now = [] { return testing::kSystemClock.wall(); },
                 .sink =
                     [&](std::string_view line) {
                       const std::lock_guard lock(mutex);
                       lines.emplace_back(line);
                     }});
  auto options = cloud.options();
  options.open_store = [&](const auto&,
                           const auto&) -> Result<std::unique_ptr<storage::ObjectStore>> {
    return std::unique_ptr<storage::ObjectStore>(
        std::make_unique<testing::CarelessStore>(cloud.bucket, storage::CreateOnly::NotKnown));
  };
  auto replicator =
      Replicator::prepare(options, testing::kSystemClock, log, [] { return false; }).value();
  CHECK(replicator->status().fencing == Fencing::NotKnown);
  replicator->start().value();
  CHECK(comes_true([&] { return replicator->status().fencing == Fencing::Off; }));
  const auto report = replicator->flush(in(std::chrono::seconds(20)));
  CHECK(report.outcome == FlushOutcome::Ok);
  CHECK(report.fencing == Fencing::Off);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("fencing=off") != std::string::npos);
}

TEST_CASE("a file deleted between listing and restore makes the start plan again") {
  Cloud cloud;
  AppDb(cloud.world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  CHECK(cloud.start()->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  cloud.world.wipe();
  const std::string key = "0000/0000000000000001-0000000000000001.ltx";
  const auto bytes = cloud.bucket.bytes_of(key);
  REQUIRE(bytes.has_value());
  // Gone after the look at its header, back before the second listing: as when levels are merged.
  std::atomic<int> gets{0}, lists{0};
  cloud.bucket.on_call = [&](const testing::StoreCall& call) {
    if (call.operation == testing::StoreOperation::List && ++lists == 2) {
      cloud.bucket.set(key, *bytes);
    }
    const bool is_read = call.operation == testing::StoreOperation::Get && call.key == key;
    if (is_read && ++gets == 2) cloud.bucket.erase(key);
  };
  auto options = cloud.options();
  options.start_timeout = std::chrono::seconds(20);
  const auto started = cloud.world.prepare(options);
  REQUIRE_MESSAGE(started.has_value(), started.error().text);
  CHECK(lists == 2);
  CHECK(AppDb(cloud.world.database).number("SELECT count(*) FROM t") == 0);
}

TEST_CASE("a stale listing at a start is detected and repeated") {
  Cloud cloud;
  AppDb(cloud.world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  CHECK(cloud.start()->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  cloud.world.wipe();
  std::atomic<int> lists{0};
  cloud.bucket.on_call = [&](const testing::StoreCall& call) {
    if (call.operation != testing::StoreOperation::List) return;
    cloud.bucket.faults().fail_all(++lists <= 3 ? std::optional(testing::StoreFault::stale_list())
                                                : std::nullopt);
  };
  REQUIRE(cloud.world.prepare(cloud.options()).has_value());
  CHECK(lists == 4);
  CHECK(AppDb(cloud.world.database).number("SELECT count(*) FROM t") == 0);
}

TEST_CASE("a bucket replica that another writer continued is listed completely") {
  Cloud cloud;
  AppDb(cloud.world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  CHECK(cloud.start()->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  const World elsewhere;
  auto options = cloud.options();
  options.database = elsewhere.database;
  {
    auto other = elsewhere.prepare(options).value();
    other->start().value();
    AppDb(elsewhere.database).run("INSERT INTO t VALUES(7)");
    CHECK(other->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  }
  REQUIRE(cloud.world.prepare(cloud.options()).has_value());  // set aside and restored
  CHECK(AppDb(cloud.world.database).number("SELECT a FROM t") == 7);
}

TEST_CASE("an outage is shown in the status while it lasts, and loses nothing") {
  Cloud cloud;
  AppDb app(cloud.world.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const auto replicator = cloud.start();
  REQUIRE(comes_true([&] { return replicator->status().txid == Txid{1}; }));
  cloud.fail_all(true);
  app.run("INSERT INTO t VALUES(1)");
  const auto is_troubled = [&] {
    const auto status = replicator->status();
    return status.error.find("injected fault") != std::string::npos && status.lag_bytes > 0;
  };
  CHECK(comes_true(is_troubled));
  cloud.fail_all(false);
  CHECK(comes_true([&] {
    const auto status = replicator->status();
    return status.error.empty() && status.lag_bytes == 0;
  }));
  CHECK(replicator->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
}

TEST_CASE("a stop does not wait for a running compaction, and loses nothing") {
  Cloud cloud;
  AppDb app(cloud.world.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  std::atomic<bool> is_merging{false};
  cloud.bucket.on_call = [&](const testing::StoreCall& call) {
    if (call.operation != testing::StoreOperation::Put || !call.key.starts_with("0009/")) return;
    is_merging = true;
    while (cloud.budget().go_on) std::this_thread::yield();  // as a store that is slow
  };
  auto options = cloud.options();
  options.interval = std::chrono::milliseconds(1);
  auto replicator = cloud.world.prepare(options).value();
  replicator->start().value();
  int rows = 0;
  REQUIRE(comes_true([&] {
    app.run(fmt::format("INSERT INTO t VALUES({})", ++rows));
    return is_merging.load();
  }));
  app.run(fmt::format("INSERT INTO t VALUES({})", ++rows));
  const auto report = replicator->flush(in(std::chrono::seconds(30)));
  CHECK_MESSAGE(report.outcome == FlushOutcome::Ok, report.missing);
  CHECK(report.checkpointed);
  replicator.reset();
  cloud.bucket.on_call = nullptr;
  cloud.world.wipe();
  REQUIRE(cloud.start()->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  CHECK(AppDb(cloud.world.database).number("SELECT count(*) FROM t") == rows);
}

TEST_CASE("a database that is replaced during a compaction is replicated after it") {
  Cloud cloud;
  const auto next = cloud.world.directory / "next.db";
  AppDb(next).run("CREATE TABLE other(a); INSERT INTO other VALUES(7)");
  std::atomic<bool> is_merging{false}, goes_on{false}, is_noticed{false};
  cloud.bucket.on_call = [&](const testing::StoreCall& call) {
    if (call.operation != testing::StoreOperation::Put || !call.key.starts_with("0009/")) return;
    is_merging = true;
    while (!goes_on) std::this_thread::yield();
  };
  std::atomic<int> attached{0};
  const Log log({.now = [] { return WallTime{}; },
                 .sink =
                     [&](std::string_view line) {
                       if (line.find("msg=detached") != std::string_view::npos) is_noticed = true;
                       if (line.find("msg=attached") != std::string_view::npos) ++attached;
                     }});
  auto options = cloud.options();
  options.interval = std::chrono::milliseconds(1);
  auto replicator =
      Replicator::prepare(options, testing::kSystemClock, log, [] { return false; }).value();
  replicator->start().value();
  {
    AppDb app(cloud.world.database);
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    REQUIRE(comes_true([&] {
      app.run("INSERT INTO t VALUES(1)");
      return is_merging.load();
    }));
  }
  std::filesystem::remove(cloud.world.database.string() + "-wal");
  std::filesystem::remove(cloud.world.database.string() + "-shm");
  std::filesystem::rename(next, cloud.world.database);
  CHECK(comes_true([&] { return is_noticed.load(); }));
  // What a merge reads from stays until it is done.
  os::pause_for(std::chrono::milliseconds(200));
  CHECK(attached == 1);
  goes_on = true;
  CHECK(comes_true([&] {
    const auto status = replicator->status();
    return status.attached && status.error.empty() && status.lag_bytes == 0;
  }));
  REQUIRE(replicator->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  replicator.reset();
  cloud.bucket.on_call = nullptr;
  cloud.world.wipe();
  REQUIRE(cloud.start()->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  CHECK(AppDb(cloud.world.database).number("SELECT a FROM other") == 7);
}

TEST_CASE("a stop during an outage ends in time and reports what is missing and why") {
  Cloud cloud;
  AppDb(cloud.world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  auto replicator = cloud.start();
  REQUIRE(comes_true([&] { return replicator->status().txid == Txid{1}; }));
  cloud.fail_all(true);
  AppDb(cloud.world.database).run("INSERT INTO t VALUES(1)");
  const MonoTime deadline = in(std::chrono::milliseconds(300));
  const auto report = replicator->flush(deadline);
  CHECK(testing::kSystemClock.mono() - deadline < std::chrono::seconds(1));
  CHECK(report.outcome == FlushOutcome::Failed);
  CHECK(report.missing.find("injected fault") != std::string::npos);
  CHECK(report.lag_bytes > 0);
  CHECK(report.txid == Txid{1});
  // The next start over the same disk stores it.
  replicator.reset();
  cloud.fail_all(false);
  CHECK(cloud.start()->flush(in(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  cloud.world.wipe();
  cloud.start();
  CHECK(AppDb(cloud.world.database).number("SELECT count(*) FROM t") == 1);
}

TEST_CASE("a replicator that is destroyed during an outage does not wait for its end") {
  Cloud cloud;
  cloud.start()->flush(in(std::chrono::seconds(20)));
  AppDb app(cloud.world.database);
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  auto replicator = cloud.start();
  cloud.fail_all(true);
  app.run("INSERT INTO t VALUES(1)");
  CHECK(comes_true([&] { return !replicator->status().error.empty(); }));
  const MonoTime before = testing::kSystemClock.mono();
  replicator.reset();
  CHECK(testing::kSystemClock.mono() - before < std::chrono::seconds(1));
}

TEST_CASE("beside a running app a failed replicator reports the failure and refuses nothing") {
  const World world;
  world.live("CREATE TABLE t(a)");
  std::filesystem::remove_all(world.host / ".app.db-walwrap");
  auto options = world.options();
  options.app_running = true;
  auto replicator = world.prepare(options);
  REQUIRE(replicator.has_value());
  REQUIRE((*replicator)->start().has_value());
  CHECK_FALSE((*replicator)->status().error.empty());
  CHECK((*replicator)->flush(testing::kSystemClock.mono()).outcome == FlushOutcome::Failed);
}

}  // namespace
}  // namespace walwrap::replication
