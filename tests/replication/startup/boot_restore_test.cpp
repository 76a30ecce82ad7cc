#include "walwrap/replication/startup/boot_restore.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"
#include "walwrap/replication/startup/boot_sums.hpp"
#include "walwrap/replication/startup/inspection.hpp"

namespace walwrap::replication {
namespace {

TEST_CASE("a start restores into a temporary file and reports its progress") {
  const testing::World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(200000))");
  BootRequest request;
  request.database = world.database;
  request.open_store = [&](const Stopped&) {
    return Result<std::unique_ptr<storage::ObjectStore>>(world.store());
  };
  request.cancelled = [] { return false; };
  const auto replica = inspect_replica(request.open_store, request.cancelled, request.style);
  REQUIRE(replica.finding == ReplicaFinding::Present);
  auto sums = scratch_sums(world.database).value();
  const os::Path output = world.directory / "restored.db";
  int told = 0;
  const auto done = restore_beside({.request = request,
                                    .plan = replica.plan,
                                    .output = output,
                                    .sums = sums,
                                    .on_progress = [&] { ++told; }},
                                   testing::kSystemClock, testing::kNoLog);
  REQUIRE(done.has_value());
  CHECK(told > 0);
  CHECK(sums.pages() == done->pages);
  CHECK(testing::AppDb(output).number("SELECT length(a) FROM t") == 200000);
}

}  // namespace
}  // namespace walwrap::replication
