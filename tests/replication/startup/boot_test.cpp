#include "walwrap/replication/startup/boot.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "tests/support/comes_true.hpp"
#include "tests/support/crashed_disk.hpp"
#include "tests/support/files.hpp"
#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::copy_disk;
using testing::count_set_aside;
using testing::put_disk_back;
using testing::rows_after_a_start;
using testing::Run;
using testing::World;

TEST_CASE("a vanished replica is refused until the user allows an empty one") {
  const World world;
  world.live("CREATE TABLE t(a)");
  std::filesystem::remove_all(world.replica);
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("--allow-empty-replica") != std::string::npos);
  auto options = world.options();
  options.policy.allow_empty_replica = true;
  CHECK(world.prepare(options).has_value());
}

TEST_CASE("a restore that finds a damaged file leaves the local files unchanged") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(9000))");
  world.wipe();
  const auto file = world.replica / "ltx/0/0000000000000001-0000000000000001.ltx";
  std::fstream broken(file, std::ios::in | std::ios::out | std::ios::binary);
  broken.seekp(150);
  broken.write("????", 4);
  broken.close();
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("0000000000000001-0000000000000001.ltx") != std::string::npos);
  CHECK_FALSE(os::exists(world.database));
  CHECK_FALSE(os::exists(world.database.string() + ".walwrap-incoming"));
}

TEST_CASE("the same TXIDs from another machine are another history and never mixed") {
  const World world;
  world.live("CREATE TABLE t(a)");
  std::filesystem::copy(world.host, world.directory / "other",
                        std::filesystem::copy_options::recursive);
  std::filesystem::copy(world.replica, world.directory / "old",
                        std::filesystem::copy_options::recursive);
  world.live("INSERT INTO t VALUES('here')");
  // The other host, with the replica as it was, stores its own next state.
  std::filesystem::rename(world.replica, world.directory / "newer");
  std::filesystem::rename(world.directory / "old", world.replica);
  std::filesystem::remove_all(world.host);
  std::filesystem::rename(world.directory / "other", world.host);
  world.live("INSERT INTO t VALUES('there')");
  std::filesystem::remove_all(world.replica);
  std::filesystem::rename(world.directory / "newer", world.replica);
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("--on-diverged") != std::string::npos);
  CHECK(AppDb(world.database).text("SELECT a FROM t") == "there");
}

TEST_CASE("a power loss that cuts the WAL at the saved position loses nothing stored") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {
    Run run(world);
    run.store(2);
    copy_disk(world, "crashed");
    std::filesystem::copy(world.replica, world.directory / "replica then",
                          std::filesystem::copy_options::recursive);
    run.end();
  }
  std::filesystem::remove_all(world.replica);
  std::filesystem::copy(world.directory / "replica then", world.replica,
                        std::filesystem::copy_options::recursive);
  put_disk_back(world, "crashed");
  std::filesystem::remove(world.host / "app.db-shm");
  {
    Run next(world);  // finds the position of row 2 in the WAL, and saves it
    copy_disk(world, "at the saved position");
    next.store(3);
    next.store(4);
    copy_disk(world, "after");
    next.end();
  }
  put_disk_back(world, "after");
  const auto wal = "app.db-wal";
  std::filesystem::resize_file(
      world.host / wal,
      std::filesystem::file_size(world.directory / "at the saved position" / wal));
  std::filesystem::remove(world.host / "app.db-shm");
  CHECK(rows_after_a_start(world) == "1,2,3,4");
}

TEST_CASE("a power loss that cuts the stored part of the WAL leaves the database behind") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {
    Run run(world);
    // While it reads, no checkpoint copies the rows that follow to the database file.
    AppDb reader(world.database);
    reader.run("BEGIN");
    REQUIRE(reader.number("SELECT count(*) FROM t") == 1);
    for (int row = 2; row <= 5; ++row) run.store(row);
    copy_disk(world, "crashed");
    reader.run("COMMIT");
    run.end();
  }
  const auto wal = world.host / "app.db-wal";
  const auto size = std::filesystem::file_size(world.directory / "crashed/app.db-wal");
  for (const std::uintmax_t cut :
       {size - 1, size / 2, std::uintmax_t{32}, std::uintmax_t{31}, std::uintmax_t{0}}) {
    CAPTURE(cut);
    put_disk_back(world, "crashed");
    std::filesystem::remove(world.host / "app.db-shm");
    std::filesystem::resize_file(wal, cut);
    REQUIRE(world.live("").outcome == FlushOutcome::Ok);
    CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 5);
    CHECK(count_set_aside(world) == 1);
    CHECK(rows_after_a_start(world) == "1,2,3,4,5");
  }
}

TEST_CASE("a start after a crash that kept the WAL continues from it") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {
    Run run(world);
    run.store(2);
    run.replicator.reset();  // as if killed: what follows is stored by nobody
    run.app->run("INSERT INTO t VALUES(3)");
    copy_disk(world, "crashed");
  }
  put_disk_back(world, "crashed");
  std::filesystem::remove(world.host / "app.db-shm");
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  CHECK(count_set_aside(world) == 0);
  CHECK(rows_after_a_start(world) == "1,2,3");
}

TEST_CASE("a volume restored to a snapshot of the same run is behind") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {
    Run run(world);
    run.store(2);
    copy_disk(world, "snapshot");
    run.store(3);
    run.end();
  }
  put_disk_back(world, "snapshot");
  std::filesystem::remove(world.host / "app.db-shm");
  REQUIRE(world.live("INSERT INTO t VALUES(9)").outcome == FlushOutcome::Ok);
  CHECK(count_set_aside(world) == 1);
  CHECK(rows_after_a_start(world) == "1,2,3,9");
}

TEST_CASE("deleting the WAL after a crash loses nothing that was stored") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {
    Run run(world);
    run.store(2);
    run.store(3);
    copy_disk(world, "crashed");
    run.end();
  }
  put_disk_back(world, "crashed");
  std::filesystem::remove(world.host / "app.db-shm");
  std::filesystem::remove(world.host / "app.db-wal");
  CHECK(rows_after_a_start(world) == "1,2,3");
}

TEST_CASE("a database that was closed after a crash is not reported as behind") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {
    Run run(world);
    run.store(2);
    copy_disk(world, "crashed");
    run.end();
  }
  put_disk_back(world, "crashed");
  std::filesystem::remove(world.host / "app.db-shm");
  AppDb(world.database).run("INSERT INTO t VALUES(3)");  // checkpoints, and removes the WAL
  CHECK_FALSE(os::exists(world.database.string() + "-wal"));
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  CHECK(count_set_aside(world) == 0);
  CHECK(rows_after_a_start(world) == "1,2,3");
}

std::filesystem::path state_file(const World& world, const char* name) {
  return world.host / ".app.db-walwrap" / name;
}

// Enough small uploads for compacted files, each of a few pages of many.
std::string rows_after_merges(const World& world) {
  auto options = world.options();
  options.interval = std::chrono::milliseconds(1);
  auto replicator = world.prepare(options).value();
  replicator->start().value();
  {
    AppDb app(world.database);
    for (int i = 0; i < 150; ++i) {
      app.run(fmt::format("UPDATE t SET b = 'u{}' WHERE a = {}", i, i % 7));
      REQUIRE(testing::comes_true([&] { return replicator->status().lag_bytes == 0; }));
    }
  }
  CHECK(replicator->flush(testing::kSystemClock.mono() + std::chrono::seconds(20)).outcome ==
        FlushOutcome::Ok);
  replicator.reset();
  world.wipe();
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  AppDb app(world.database);
  REQUIRE(app.text("PRAGMA integrity_check") == "ok");
  return app.text("SELECT a || b || hex(c) FROM t ORDER BY a");
}

TEST_CASE("page sums older than the state, or damaged, leave no page out of a compacted file") {
  for (const char* damage : {"older", "a bit", "missing", "old format"}) {
    CAPTURE(damage);
    const World world;
    world.live(
        "CREATE TABLE t(a PRIMARY KEY, b, c); WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 30) INSERT INTO t SELECT i, 'first', "
        "randomblob(3000) FROM n");
    const std::string before = testing::text_of(state_file(world, "pages"));
    world.live("UPDATE t SET b = 'second'; DELETE FROM t WHERE a = 30");
    const std::string what = damage;
    std::string pages = testing::text_of(state_file(world, "pages"));
    if (what == "older") pages = before;
    if (what == "a bit") pages[64 + 5 * 16 + 8] = static_cast<char>(pages[64 + 5 * 16 + 8] ^ 1);
    if (what == "old format") pages = std::string(16 * 40, '\x01');
    testing::write_text(state_file(world, "pages"), pages);
    if (what == "missing") std::filesystem::remove(state_file(world, "pages"));
    std::filesystem::copy_file(world.database, world.directory / "expected.db");
    AppDb expected(world.directory / "expected.db");
    for (int i = 0; i < 150; ++i) {
      expected.run(fmt::format("UPDATE t SET b = 'u{}' WHERE a = {}", i, i % 7));
    }
    CHECK(rows_after_merges(world) == expected.text("SELECT a || b || hex(c) FROM t ORDER BY a"));
  }
}

TEST_CASE("a late request of a killed process counts as walwrap's own at the next start") {
  const World world;
  AppDb(world.database).run("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  REQUIRE(world.live("").txid == Txid{1});
  const auto slot = world.replica / "ltx/0/0000000000000002-0000000000000002.ltx";
  const auto held = world.directory / "held by a proxy";
  {
    Run run(world);
    run.store(2);
    copy_disk(world, "killed");
    run.end();
  }
  std::filesystem::rename(slot, held);
  put_disk_back(world, "killed");
  std::filesystem::remove(world.host / "app.db-shm");
  SUBCASE("before the next start stores anything") {
    REQUIRE(world.prepare(world.options()).has_value());  // decides, and is killed
    std::filesystem::rename(held, slot);
  }
  SUBCASE("while it runs") {
    Run run(world);
    std::filesystem::rename(held, slot);
    run.app->run("INSERT INTO t VALUES(3); DELETE FROM t WHERE a = 3");
    const auto report =
        run.replicator->flush(testing::kSystemClock.mono() + std::chrono::seconds(20));
    CHECK_MESSAGE(report.outcome == FlushOutcome::Ok, report.missing);
    run.app.reset();
    run.replicator.reset();
  }
  CHECK(rows_after_a_start(world) == "1,2");
}

// What another program stores as the next upload: here another walwrap, under a foreign node id.
void store_elsewhere(const World& world, const char* sql) {
  World other;
  std::filesystem::remove_all(other.replica);
  auto options = world.options();
  options.database = other.database;
  auto replicator = world.prepare(options).value();
  replicator->start().value();
  AppDb(other.database).run(sql);
  REQUIRE(replicator->flush(testing::kSystemClock.mono() + std::chrono::seconds(20)).outcome ==
          FlushOutcome::Ok);
  replicator.reset();
  std::filesystem::copy_file(other.database, world.directory / "elsewhere.db",
                             std::filesystem::copy_options::overwrite_existing);
}

TEST_CASE("a replica that another writer continued is compared before it counts as diverged") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  store_elsewhere(world, "INSERT INTO t VALUES(2)");
  SUBCASE("the database is as they left it") {
    std::filesystem::copy_file(world.directory / "elsewhere.db", world.database,
                               std::filesystem::copy_options::overwrite_existing);
    REQUIRE(world.live("INSERT INTO t VALUES(3)").outcome == FlushOutcome::Ok);
    CHECK(count_set_aside(world) == 0);
    CHECK(rows_after_a_start(world) == "1,2,3");
  }
  SUBCASE("the database is as of something between") {
    std::filesystem::copy_file(world.directory / "elsewhere.db", world.database,
                               std::filesystem::copy_options::overwrite_existing);
    store_elsewhere(world, "INSERT INTO t VALUES(3)");
    REQUIRE(world.live("").outcome == FlushOutcome::Ok);
    CHECK(count_set_aside(world) == 1);
    CHECK(rows_after_a_start(world) == "1,2,3");
  }
  SUBCASE("both went on") {
    AppDb(world.database).run("INSERT INTO t VALUES(7)");
    const auto refused = world.prepare(world.options());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text.find("--on-diverged") != std::string::npos);
    CHECK(AppDb(world.database).text("SELECT group_concat(a) FROM t") == "1,7");
    // It looked, and changed nothing that the next start would trust.
    REQUIRE_FALSE(world.prepare(world.options()).has_value());
  }
}

TEST_CASE("a second start waits for the first one before it inspects the database") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  auto first = world.prepare(world.options()).value();
  first->start().value();
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("another walwrap") != std::string::npos);
  auto patient = world.options();
  patient.start_timeout = std::chrono::seconds(20);
  Result<std::unique_ptr<Replicator>> second = fail(Code::Busy, "not yet");
  std::thread starting([&] { second = world.prepare(patient); });
  AppDb(world.database).run("INSERT INTO t VALUES(2)");
  CHECK(first->flush(testing::kSystemClock.mono() + std::chrono::seconds(20)).outcome ==
        FlushOutcome::Ok);
  first.reset();
  starting.join();
  REQUIRE(second.has_value());
  (*second)->start().value();
  AppDb(world.database).run("INSERT INTO t VALUES(3)");
  CHECK((*second)->flush(testing::kSystemClock.mono() + std::chrono::seconds(20)).outcome ==
        FlushOutcome::Ok);
  second->reset();
  CHECK(rows_after_a_start(world) == "1,2,3");
}

TEST_CASE("a start decides again after each wait") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  auto patient = world.options();
  patient.start_timeout = std::chrono::seconds(20);
  Result<std::unique_ptr<Replicator>> started = fail(Code::Busy, "not yet");
  std::thread starting;
  {
    // A program that is not a walwrap has the database to itself.
    AppDb other(world.database);
    other.run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; INSERT INTO t VALUES(2)");
    starting = std::thread([&] { started = world.prepare(patient); });
    os::pause_for(std::chrono::milliseconds(300));
    CHECK_FALSE(started.has_value());
    other.run("PRAGMA page_size=8192; PRAGMA journal_mode=DELETE; VACUUM");
  }
  starting.join();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().text.find("page") != std::string::npos);
}

TEST_CASE("a page size that differs from the replica's is refused before the app runs") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  AppDb(world.database).run("PRAGMA journal_mode=DELETE; PRAGMA page_size=8192; VACUUM");
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::Mismatch);
  CHECK(refused.error().text.find("pages of 8192 bytes, but the replica has pages of 4096") !=
        std::string::npos);
  CHECK(refused.error().text.find("VACUUM") != std::string::npos);
  AppDb(world.database).run("PRAGMA journal_mode=DELETE; PRAGMA page_size=4096; VACUUM");
  CHECK(rows_after_a_start(world) == "1");
}

TEST_CASE("an older volume is set aside, and the newer state is restored") {
  const World world;
  world.live("CREATE TABLE t(a)");
  std::filesystem::copy(world.host, world.directory / "old",
                        std::filesystem::copy_options::recursive);
  world.live("INSERT INTO t VALUES(1)");
  std::filesystem::remove_all(world.host);
  std::filesystem::rename(world.directory / "old", world.host);
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 1);
  int aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world.host)) {
    aside += entry.path().string().find(".walwrap-replaced-") != std::string::npos ? 1 : 0;
  }
  CHECK(aside == 1);
}

}  // namespace
}  // namespace walwrap::replication
