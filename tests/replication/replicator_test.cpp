#include "walwrap/replication/replicator.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::World;

TEST_CASE("what an app committed is there on an empty host after a flush") {
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

TEST_CASE("a start over a database nobody touched uploads nothing") {
  const World world;
  const auto first = world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  const auto second = world.live("");
  CHECK(second.outcome == FlushOutcome::Ok);
  CHECK(second.txid == first.txid);
}

TEST_CASE("an edit made while nobody watched is uploaded by the next start") {
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
  CHECK(report.outcome == FlushOutcome::Ok);
  CHECK(report.txid == Txid{0});
}

TEST_CASE("beside a running app a replicator that cannot go on says so and refuses nothing") {
  const World world;
  world.live("CREATE TABLE t(a)");
  std::filesystem::remove_all(world.host / ".app.db-walwrap");
  auto options = world.options();
  options.app_running = true;
  auto replicator = world.prepare(options);
  REQUIRE(replicator.has_value());
  REQUIRE((*replicator)->start().has_value());
  CHECK_FALSE((*replicator)->status().trouble.empty());
  CHECK((*replicator)->flush(testing::kSystemClock.mono()).outcome == FlushOutcome::Failed);
}

}  // namespace
}  // namespace walwrap::replication
