// A path is not a file: what lies at it is deleted, replaced or written over, and the verdict is
// about what lies there in the end. The app is in this process and shares SQLite's locks with the
// replicator, so here it always closes the database before its files change; where it has them
// open, see integration/test_files.py.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/comes_true.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/world.hpp"
#include "walwrap/replication/capture_loop.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::comes_true;
using testing::World;

struct Life {
  World world;
  std::unique_ptr<Replicator> replicator;

  Life() {
    replicator = world.prepare(world.options()).value();
    replicator->start().value();
  }
  void app(const std::string& sql) const { AppDb(world.database).run(sql); }
  bool is_settled() const {
    return comes_true([&] {
      const auto status = replicator->status();
      const auto wal = os::stamp_of(world.database.string() + "-wal");
      return status.attached && status.lag_bytes == 0 && wal && wal->size == 0;
    });
  }
  FlushReport end() const {
    return replicator->flush(testing::kSystemClock.mono() + std::chrono::seconds(20));
  }
  // Of the table t, as an empty host gets it; a text that says what is wrong otherwise.
  std::string restored() {
    replicator.reset();
    world.wipe();
    auto report = world.live("");
    if (report.outcome != FlushOutcome::Ok) return report.missing;
    AppDb app(world.database);
    if (app.text("PRAGMA integrity_check") != "ok") return "damaged";
    return app.text("SELECT group_concat(a) FROM t");
  }
};

void make_other(const std::filesystem::path& path, int row) {
  AppDb(path).run("CREATE TABLE t(a); INSERT INTO t VALUES(" + std::to_string(row) + ")");
}

TEST_CASE("a database that no process has open becomes one file within milliseconds") {
  const Life life;
  life.app("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(50000))");
  CHECK(life.is_settled());
  std::filesystem::copy(life.world.database, life.world.directory / "copy.db");
  CHECK(AppDb(life.world.directory / "copy.db").number("SELECT count(*) FROM t") == 1);
}

TEST_CASE("a database that is replaced just before the end is stored") {
  Life life;
  life.app("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  REQUIRE(life.is_settled());
  make_other(life.world.directory / "other.db", 7);
  std::filesystem::rename(life.world.directory / "other.db", life.world.database);
  const auto report = life.end();
  CHECK_MESSAGE(report.outcome == FlushOutcome::Ok, report.missing);
  CHECK(life.restored() == "7");
}

TEST_CASE("a database that is overwritten in place is stored") {
  Life life;
  life.app("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  REQUIRE(life.is_settled());
  make_other(life.world.directory / "other.db", 8);
  std::filesystem::copy(life.world.directory / "other.db", life.world.database,
                        std::filesystem::copy_options::overwrite_existing);
  const auto report = life.end();
  CHECK_MESSAGE(report.outcome == FlushOutcome::Ok, report.missing);
  CHECK(life.restored() == "8");
}

TEST_CASE("a WAL of another database is not stored over the replica") {
  Life life;
  life.app("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  REQUIRE(life.is_settled());
  const auto other = life.world.directory / "other.db";
  {
    AppDb app(other);
    app.run(
        "CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(200000)); PRAGMA journal_mode=WAL; "
        "PRAGMA wal_autocheckpoint=0; CREATE TABLE u(a); INSERT INTO u VALUES(1)");
    std::filesystem::copy(other.string() + "-wal", life.world.directory / "foreign-wal");
  }
  std::filesystem::rename(life.world.directory / "foreign-wal",
                          life.world.database.string() + "-wal");
  const auto report = life.end();
  CHECK(report.outcome == FlushOutcome::Failed);
  CHECK(report.missing.find("damaged") != std::string::npos);
  CHECK(life.restored() == "1");
}

TEST_CASE("deleting the WAL or the WAL index loses no commit") {
  const std::vector<std::vector<std::string>> kinds = {{"-wal"}, {"-shm"}, {"-wal", "-shm"}};
  for (const auto& suffixes : kinds) {
    CAPTURE(suffixes.size());
    Life life;
    life.app("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    REQUIRE(life.is_settled());
    for (const auto& suffix : suffixes) {
      std::filesystem::remove(life.world.database.string() + suffix);
    }
    // Attached again, to files that are there.
    REQUIRE(comes_true([&] {
      return life.replicator->status().attached &&
             std::filesystem::exists(life.world.database.string() + "-wal") &&
             std::filesystem::exists(life.world.database.string() + "-shm");
    }));
    life.app("INSERT INTO t VALUES(2)");
    const auto report = life.end();
    CHECK_MESSAGE(report.outcome == FlushOutcome::Ok, report.missing);
    CHECK(AppDb(life.world.database).text("SELECT group_concat(a) FROM t") == "1,2");
    CHECK(life.restored() == "1,2");
  }
}

TEST_CASE("deleting the database fails the flush, and the replica keeps its last state") {
  Life life;
  life.app("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  REQUIRE(life.is_settled());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(life.world.database.string() + suffix);
  }
  const auto report = life.end();
  CHECK(report.outcome == FlushOutcome::Nothing);
  CHECK_MESSAGE(report.missing.find("keeps its last state") != std::string::npos, report.missing);
  CHECK(life.restored() == "1");
}

TEST_CASE("a garbage file in place of the database fails the flush with a message") {
  const Life life;
  std::ofstream(life.world.database) << std::string(20'000, 'x');
  CHECK(comes_true([&] { return !life.replicator->status().error.empty(); }));
  const auto report =
      life.replicator->flush(testing::kSystemClock.mono() + std::chrono::milliseconds(300));
  CHECK(report.outcome == FlushOutcome::Failed);
  CHECK_MESSAGE(report.missing.find("not a database") != std::string::npos, report.missing);
}

TEST_CASE("a database that fails to open without descriptors is not taken for absent") {
  const auto said = testing::in_child([] {
    const World world;
    AppDb(world.database).run("CREATE TABLE t(a)");
    const rlimit few{.rlim_cur = 4, .rlim_max = 4};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return std::string(testing::kSkipped);
    const auto attached = attach_existing(world.database, testing::kSystemClock);
    return attached ? std::string("attached") : std::string(code_name(attached.error().code));
  });
  CHECK(said == code_name(Code::Unavailable));
}

}  // namespace
}  // namespace walwrap::replication
