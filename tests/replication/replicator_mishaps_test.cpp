// The replica while a whole replicator runs: what happens to it, and what is said then.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string_view>
#include <vector>

#include "tests/support/comes_true.hpp"
#include "tests/support/world.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replicator.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;
using testing::comes_true;
using testing::World;

MonoTime after(std::chrono::milliseconds time) {
  return testing::kSystemClock.mono() + time;
}

// What somebody does to the replica, while walwrap runs or between the app's end and the verdict.
struct Mishap {
  std::string_view name;
  std::function<void(const World&)> happens;
  std::string_view missing;  // what the report says; "": the flush is fine
};

std::vector<Mishap> mishaps() {
  namespace fs = std::filesystem;
  const auto newest_upload = [](const World& world) {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(world.replica / "ltx/0")) {
      newest = std::max(newest, entry.path());
    }
    return newest;
  };
  const auto replace = [](const World& world) {
    fs::rename(world.replica, world.directory / "moved");
    fs::create_directory(world.replica);
  };
  return {
      {"removed", [](const World& world) { fs::remove_all(world.replica); }, "no longer exists"},
      {"emptied",
       [](const World& world) {
         for (const auto& entry : fs::directory_iterator(world.replica)) fs::remove_all(entry);
       },
       "is empty"},
      {"replaced by an empty one", replace, "is empty"},
      {"replaced by another directory",
       [=](const World& world) {
         replace(world);
         fs::create_directories(world.replica / "photos");
         std::ofstream(world.replica / "photos/cat.jpg") << "meow";
       },
       "was replaced"},
      {"another identity",
       [](const World& world) {
         std::ofstream(world.replica / "walwrap/identity.json")
             << "{\"version\":1,\"lineage\":\"00000000000000ff\"}";
       },
       "lineage"},
      {"identity cut off",
       [](const World& world) { std::ofstream(world.replica / "walwrap/identity.json") << "{"; },
       "cannot be read"},
      {"newest upload cut off",
       [=](const World& world) { fs::resize_file(newest_upload(world), 110); },
       "differs from what was stored"},
      {"identity removed",
       [](const World& world) { fs::remove(world.replica / "walwrap/identity.json"); }, ""},
      {"newest upload removed", [=](const World& world) { fs::remove(newest_upload(world)); }, ""},
  };
}

bool is_all_stored(Replicator& replicator) {
  const auto ticket = replicator.sync_requests().ask_look(SyncRequests::Pace::StoreNow);
  return comes_true([&] {
    const auto progress = replicator.sync_requests().progress();
    return progress.looked >= ticket && progress.is_proven &&
           progress.stored >= progress.committed.commits;
  });
}

// In two uploads at least.
void store_two_rows(AppDb& app, Replicator& replicator) {
  app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  REQUIRE(is_all_stored(replicator));
  app.run("INSERT INTO t VALUES(2)");
  REQUIRE(is_all_stored(replicator));
}

TEST_CASE("whatever happens to the replica, only a restorable state is reported as ok") {
  for (const Mishap& mishap : mishaps()) {
    CAPTURE(mishap.name);
    const World world;
    auto replicator = world.prepare(world.options()).value();
    replicator->start().value();
    AppDb app(world.database);
    store_two_rows(app, *replicator);
    mishap.happens(world);
    app.run("INSERT INTO t VALUES(3)");
    const bool heals = mishap.missing.empty();
    const auto report = replicator->flush(after(std::chrono::milliseconds(heals ? 20'000 : 700)));
    CAPTURE(report.missing);
    CHECK((report.outcome == FlushOutcome::Ok) == heals);
    CHECK_MESSAGE(report.missing.find(mishap.missing) != std::string::npos, report.missing);
    if (!heals) continue;
    replicator.reset();
    world.wipe();
    REQUIRE(world.live("").outcome == FlushOutcome::Ok);
    CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 3);
  }
}

TEST_CASE("a replica lost after the last upload is repaired or not reported as stored") {
  for (const Mishap& mishap : mishaps()) {
    CAPTURE(mishap.name);
    const World world;
    auto replicator = world.prepare(world.options()).value();
    replicator->start().value();
    AppDb app(world.database);
    store_two_rows(app, *replicator);
    mishap.happens(world);
    const auto report = replicator->flush(after(std::chrono::seconds(20)));
    const bool heals = mishap.missing.empty();
    CHECK(report.outcome == (heals ? FlushOutcome::Ok : FlushOutcome::Failed));
    CHECK(report.missing.empty() == heals);
    if (!heals) continue;
    replicator.reset();
    world.wipe();
    REQUIRE(world.live("").outcome == FlushOutcome::Ok);
    CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 2);
  }
}

TEST_CASE("a chain without its first file is repaired when a client lists the points") {
  const World world;
  auto replicator = world.prepare(world.options()).value();
  replicator->start().value();
  AppDb app(world.database);
  store_two_rows(app, *replicator);
  std::filesystem::remove(world.replica / "ltx/0/0000000000000001-0000000000000001.ltx");
  replicator->points().ask();
  const auto snapshots = world.replica / "ltx/9";
  CHECK(comes_true(
      [&] { return std::filesystem::exists(snapshots) && !std::filesystem::is_empty(snapshots); }));
  CHECK(replicator->flush(after(std::chrono::seconds(20))).outcome == FlushOutcome::Ok);
  replicator.reset();
  world.wipe();
  REQUIRE(world.live("").outcome == FlushOutcome::Ok);
  CHECK(AppDb(world.database).number("SELECT count(*) FROM t") == 2);
}

TEST_CASE("listing the restore points does not create a missing replica") {
  const World world;
  auto replicator = world.prepare(world.options()).value();
  replicator->start().value();
  AppDb(world.database).run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  REQUIRE(comes_true([&] { return replicator->status().txid > Txid{0}; }));
  std::filesystem::rename(world.replica, world.directory / "moved");
  replicator->points().ask();
  CHECK(comes_true([&] { return !replicator->points().current().running; }));
  CHECK_FALSE(replicator->points().current().error.empty());
  CHECK_FALSE(os::exists(world.replica));
}

}  // namespace
}  // namespace walwrap::replication
