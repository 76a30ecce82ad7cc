#include "walwrap/replication/startup/reconnect.hpp"

#include <doctest/doctest.h>

#include "tests/support/app_process.hpp"
#include "tests/support/comes_true.hpp"
#include "tests/support/crashed_disk.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/world.hpp"
#include "walwrap/os/file_stamp.hpp"
#include "walwrap/replication/replica/file_note.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::comes_true;
using testing::World;

// A host whose bucket can be away.
struct Host {
  World world;
  testing::FakeBucket bucket;

  std::unique_ptr<Replicator> start() {
    auto options = world.options();
    options.location.kind = storage::StoreKind::S3;
    options.open_store =
        [this](const storage::Location&,
               const storage::Surroundings&) -> Result<std::unique_ptr<storage::ObjectStore>> {
      return std::unique_ptr<storage::ObjectStore>(std::make_unique<testing::FakeStore>(bucket));
    };
    auto replicator = world.prepare(options).value();
    replicator->start().value();
    return replicator;
  }
  void be_away(bool is_away) {
    bucket.faults().fail_all(is_away ? std::optional(testing::StoreFault::error(Code::Unavailable))
                                     : std::nullopt);
  }
  // Rows 1 and 2 are stored, and the disk is as it was left at that moment.
  void crash_after_two_rows() {
    AppDb(world.database).run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    wait_for_flush(*start());
    // A database that no other process has open is one file: nothing would be left in its WAL.
    const testing::AppProcess app(world.database,
                                  "PRAGMA journal_mode=WAL; INSERT INTO t VALUES(2)");
    auto replicator = start();
    const Txid before{1};
    REQUIRE(comes_true([&] {
      const auto status = replicator->status();
      return status.txid > before && status.lag_bytes == 0;
    }));
    std::filesystem::copy(world.host, world.directory / "crashed",
                          std::filesystem::copy_options::recursive);
    replicator.reset();
  }
  void put_disk_back() {
    std::filesystem::remove_all(world.host);
    std::filesystem::copy(world.directory / "crashed", world.host,
                          std::filesystem::copy_options::recursive);
    std::filesystem::remove(world.host / "app.db-shm");
  }
  void wait_for_flush(Replicator& replicator) {
    const auto report = replicator.flush(testing::kSystemClock.mono() + std::chrono::seconds(20));
    CAPTURE(report.missing);
    CHECK(report.outcome == FlushOutcome::Ok);
  }
};

TEST_CASE("a start without its bucket continues, and uploads when the bucket is back") {
  Host host;
  host.crash_after_two_rows();
  host.put_disk_back();
  host.be_away(true);
  auto replicator = host.start();
  AppDb(host.world.database).run("INSERT INTO t VALUES(3)");
  host.be_away(false);
  host.wait_for_flush(*replicator);
  replicator.reset();
  host.world.wipe();
  host.start();
  CHECK(AppDb(host.world.database).text("SELECT group_concat(a) FROM t") == "1,2,3");
}

TEST_CASE("a database that is behind its unreachable bucket is not stored over it later") {
  Host host;
  host.crash_after_two_rows();
  const auto wal = host.world.directory / "crashed/app.db-wal";
  for (const std::uintmax_t cut : {std::filesystem::file_size(wal) - 1, std::uintmax_t{0}}) {
    CAPTURE(cut);
    host.put_disk_back();
    std::filesystem::resize_file(host.world.database.string() + "-wal", cut);
    host.be_away(true);
    bool is_behind = true;
    {
      auto replicator = host.start();
      // A checkpoint may have brought row 2 into the database file before the crash. A WAL that
      // ends too early is enough to be behind.
      is_behind = cut > 0 || AppDb(host.world.database).number("SELECT count(*) FROM t") == 1;
      AppDb(host.world.database).run("INSERT INTO t VALUES(3)");
      host.be_away(false);
      if (is_behind) CHECK(comes_true([&] { return !replicator->status().error.empty(); }));
      const auto report =
          replicator->flush(testing::kSystemClock.mono() + std::chrono::seconds(20));
      CHECK(report.outcome == (is_behind ? FlushOutcome::Failed : FlushOutcome::Ok));
      const bool names_it =
          report.missing.find("newer than the local database was") != std::string::npos;
      CHECK(names_it == is_behind);
    }
    host.world.wipe();
    host.start();
    CHECK(AppDb(host.world.database).text("SELECT group_concat(a) FROM t") ==
          std::string(is_behind ? "1,2" : "1,2,3"));
  }
}

TEST_CASE(
    "an edit that an outage kept from the bucket is no older state, even if it looks like one") {
  Host host;
  const auto& database = host.world.database;
  AppDb(database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  host.wait_for_flush(*host.start());
  auto replicator = host.start();
  AppDb(database).run("UPDATE t SET a = 2");
  REQUIRE(comes_true([&] {
    const auto status = replicator->status();
    return status.txid == Txid{2} && status.lag_bytes == 0;
  }));
  host.be_away(true);
  AppDb(database).run("UPDATE t SET a = 1");  // the page is as it was stored first
  // The database is closed, so it becomes one file. Then all processes are killed.
  REQUIRE(comes_true([&] {
    const auto noted = read_file_note(StateDir::open(database).value());
    const auto found = os::stamp_of(database);
    return noted && found && noted->stamp == *found && noted->settled_at == Txid{2} &&
           replicator->status().lag_bytes > 0;
  }));
  replicator.reset();
  host.be_away(false);
  host.wait_for_flush(*host.start());
  CHECK(testing::count_set_aside(host.world) == 0);
  host.world.wipe();
  host.start();
  CHECK(AppDb(database).text("SELECT group_concat(a) FROM t") == "1");
}

}  // namespace
}  // namespace walwrap::replication
