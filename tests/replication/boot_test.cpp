#include "walwrap/replication/boot.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/support/comes_true.hpp"
#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::World;

TEST_CASE("a replica that vanished is refused until the user allows an empty one") {
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

TEST_CASE("a restore that meets a broken file leaves the local files as they were") {
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

TEST_CASE("the same TXIDs stored by another host are another history, never merged") {
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

// A disk that is copied as it is, and put back later.
void copy_disk(const World& world, const char* name) {
  std::filesystem::copy(world.host, world.directory / name,
                        std::filesystem::copy_options::recursive);
}
void put_disk_back(const World& world, const char* name) {
  std::filesystem::remove_all(world.host);
  std::filesystem::copy(world.directory / name, world.host,
                        std::filesystem::copy_options::recursive);
}

int count_set_aside(const World& world) {
  int aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world.host)) {
    const auto path = entry.path().string();
    const bool is_database = path.find(".walwrap-replaced-") != std::string::npos &&
                             !path.ends_with("-wal") && !path.ends_with("-shm");
    aside += is_database ? 1 : 0;
  }
  return aside;
}

// Runs of one database whose rows are all stored when they are counted.
struct Run {
  const World& world;
  std::unique_ptr<Replicator> replicator;
  std::optional<AppDb> app;

  explicit Run(const World& of) : world(of), replicator(world.prepare(world.options()).value()) {
    replicator->start().value();
    app.emplace(world.database);
    app->run("PRAGMA synchronous=NORMAL");
    REQUIRE(testing::comes_true([&] { return replicator->status().txid > Txid{0}; }));
  }
  void store(int row) {
    const Txid before = replicator->status().txid;
    app->run(fmt::format("INSERT INTO t VALUES({})", row));
    REQUIRE(testing::comes_true([&] {
      const auto status = replicator->status();
      return status.txid > before && status.lag_bytes == 0;
    }));
  }
  void end() {
    replicator->flush(testing::kSystemClock.mono() + std::chrono::seconds(20));
    app.reset();
    replicator.reset();
  }
};

// Start, flush, and what an empty host gets afterwards.
std::string rows_after_a_start(const World& world) {
  const auto report = world.live("");
  if (report.outcome != FlushOutcome::Ok) return report.missing;
  world.wipe();
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  AppDb app(world.database);
  REQUIRE(app.text("PRAGMA integrity_check") == "ok");
  return app.text("SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY a)");
}

TEST_CASE("power loss that cuts the WAL at the saved position loses nothing that was stored") {
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

TEST_CASE("power loss that cuts the WAL anywhere leaves the local database behind, and says so") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  {
    Run run(world);
    for (int row = 2; row <= 5; ++row) run.store(row);
    copy_disk(world, "crashed");
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

TEST_CASE("a crash that keeps the WAL goes on from it, and sets nothing aside") {
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

TEST_CASE("a volume put back to a snapshot of the same run is behind") {
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

TEST_CASE("a start script that deletes the WAL after a crash loses nothing that was stored") {
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

TEST_CASE("a database that somebody closed after a crash is not taken for one that is behind") {
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

TEST_CASE("an older volume is set aside and the newer state restored") {
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
