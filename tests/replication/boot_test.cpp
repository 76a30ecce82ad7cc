#include "walwrap/replication/boot.hpp"

#include <doctest/doctest.h>

#include <fstream>

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
