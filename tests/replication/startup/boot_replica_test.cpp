#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "tests/support/comes_true.hpp"
#include "tests/support/files.hpp"
#include "tests/support/world.hpp"
#include "walwrap/replication/startup/boot.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::World;

// Removes the upload, goes on, and removes the local files: what was committed is there again.
void check_mended(const World& world, std::uint64_t removed) {
  const auto name = fmt::format("ltx/0/{:016x}-{:016x}.ltx", removed, removed);
  std::filesystem::remove(world.replica / name);
  auto replicator = world.prepare(world.options());
  REQUIRE_MESSAGE(replicator.has_value(), replicator.error().text);
  REQUIRE((*replicator)->start());
  const auto is_mended = [&] {
    const auto levels = world.replica / "ltx/9";
    return std::filesystem::exists(levels) && !std::filesystem::is_empty(levels);
  };
  CHECK(testing::comes_true(is_mended));
  const auto deadline = testing::kSystemClock.mono() + std::chrono::seconds(20);
  const auto report = (*replicator)->flush(deadline);
  CHECK_MESSAGE(report.outcome == FlushOutcome::Ok, report.missing);
  replicator->reset();
  world.wipe();
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 3);
}

TEST_CASE("a replica that lost its first or a middle file is repaired by the next start") {
  for (const std::uint64_t removed : {std::uint64_t{1}, std::uint64_t{2}}) {
    CAPTURE(removed);
    const World world;
    world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    world.live("INSERT INTO t VALUES(2)");
    world.live("INSERT INTO t VALUES(3)");
    check_mended(world, removed);
  }
}

TEST_CASE("a replica with a gap is refused without a database that can repair it") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  world.live("INSERT INTO t VALUES(2)");
  std::filesystem::remove(world.replica / "ltx/0/0000000000000001-0000000000000001.ltx");
  world.wipe();
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("gap") != std::string::npos);
}

TEST_CASE("a start inspects a missing replica without creating it") {
  const World world;
  world.live("CREATE TABLE t(a)");
  std::filesystem::rename(world.replica, world.directory / "moved");
  CHECK_FALSE(world.prepare(world.options()).has_value());
  CHECK_FALSE(os::exists(world.replica));
  std::filesystem::rename(world.directory / "moved", world.replica);
  CHECK(world.live("INSERT INTO t VALUES(1)").outcome == FlushOutcome::Ok);
}

TEST_CASE("a litestream 0.3 backup newer than the restorable state is refused") {
  const World world;
  world.live("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  const auto legacy =
      world.replica / "generations/0123456789abcdef/snapshots/00000000.snapshot.lz4";
  std::filesystem::create_directories(legacy.parent_path());
  std::ofstream(legacy) << "x";
  const auto uploaded = std::filesystem::last_write_time(
      world.replica / "ltx/0/0000000000000001-0000000000000001.ltx");
  world.wipe();
  std::filesystem::last_write_time(legacy, uploaded + std::chrono::hours(1));
  const auto refused = world.prepare(world.options());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find("litestream 0.3, of 20") != std::string::npos);
  CHECK(refused.error().text.find("newest upload, of 20") != std::string::npos);
  CHECK_FALSE(os::exists(world.database));
  std::filesystem::last_write_time(legacy, uploaded - std::chrono::hours(1));
  CHECK(world.live("").outcome == FlushOutcome::Ok);
  CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 1);
}

}  // namespace
}  // namespace walwrap::replication
