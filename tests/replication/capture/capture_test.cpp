#include "walwrap/replication/capture/capture.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::AppDb;

struct Attached {
  testing::TempDir directory;
  AppDb app{directory / "app.db"};
  std::unique_ptr<sqlite::CheckpointOwner> owner;
  std::unique_ptr<sqlite::Snapshot> snapshot;

  Attached() {
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(9000))");
    owner = *sqlite::CheckpointOwner::attach(directory / "app.db", testing::kSystemClock);
    snapshot = *sqlite::Snapshot::open(*owner);
  }
  std::unique_ptr<Capture> capture(std::optional<wal::Position> stored = std::nullopt) {
    return *Capture::open(*owner, stored);
  }
  bool drain(Capture& capture) { return capture.drain(*owner->read_index()).value(); }
};

TEST_CASE("only new commits are pending, and only once") {
  Attached world;
  const auto capture = world.capture();
  CHECK(world.drain(*capture));
  REQUIRE(capture->take_all(*world.owner, *world.snapshot)->has_value());
  world.snapshot->end();
  CHECK_FALSE(world.drain(*capture));
  CHECK_FALSE(capture->has_pending());
  world.app.run("BEGIN; INSERT INTO t VALUES(1)");
  CHECK_FALSE(world.drain(*capture));
  world.app.run("COMMIT");
  CHECK(world.drain(*capture));
  CHECK(capture->pending().size() >= 1);
  CHECK(capture->pending().size() <= 2);
}

TEST_CASE("a WAL that still holds the stored position needs no comparison") {
  Attached world;
  const auto first = world.capture();
  world.drain(*first);
  const auto shot = first->take_all(*world.owner, *world.snapshot);
  world.snapshot->end();
  world.app.run("INSERT INTO t VALUES(1)");
  const auto resumed = world.capture((*shot)->covers);
  CHECK(world.drain(*resumed));
  CHECK_FALSE(resumed->needs_compare());
  CHECK(resumed->pending().size() <= 2);
}

TEST_CASE("a WAL that restarted, or whose frames differ, needs a comparison") {
  Attached world;
  const auto first = world.capture();
  world.drain(*first);
  auto covers = (*first->take_all(*world.owner, *world.snapshot))->covers;
  world.snapshot->end();
  SUBCASE("other salts") {
    covers.salts.first ^= 1;
  }
  SUBCASE("another checksum") {
    covers.checksum.second ^= 1;
  }
  SUBCASE("a frame beyond the end") {
    covers.frame += 5;
  }
  SUBCASE("frames past it are in the database already") {
    world.app.run("INSERT INTO t VALUES(1)");
    REQUIRE(world.owner->pass([]() -> Result<void> { return {}; }).has_value());
  }
  const auto resumed = world.capture(covers);
  world.drain(*resumed);
  CHECK(resumed->needs_compare());
}

TEST_CASE("a WAL that is cut and grows again is not read across the hole") {
  Attached world;
  const auto capture = world.capture();
  world.app.run("INSERT INTO t VALUES(zeroblob(20000))");
  CHECK(world.drain(*capture));
  const auto wal = world.directory / "app.db-wal";
  const auto size = std::filesystem::file_size(wal);
  std::filesystem::resize_file(wal, size / 2);
  CHECK(capture->drain(*world.owner->read_index()).error().code == Code::Corrupt);
  std::filesystem::resize_file(wal, size);  // as the next commit makes it
  const auto hole = capture->drain(*world.owner->read_index());
  REQUIRE_FALSE(hole.has_value());
  CHECK(hole.error().text.find("was truncated") != std::string::npos);
}

TEST_CASE("a missed commit is found by SQLite's count, and everything is compared") {
  Attached world;
  const auto capture = world.capture();
  world.drain(*capture);
  REQUIRE(capture->take_all(*world.owner, *world.snapshot)->has_value());
  world.snapshot->end();
  CHECK(capture->is_proven(*world.owner->read_index()));
  world.app.run("INSERT INTO t VALUES(1); INSERT INTO t VALUES(2)");
  CHECK_FALSE(capture->is_proven(*world.owner->read_index()));
  // A checkpoint that captures nothing, as somebody else's would: the next commit begins the WAL
  // anew, over both.
  REQUIRE(world.owner->pass([]() -> Result<void> { return {}; }).has_value());
  world.app.run("INSERT INTO t VALUES(3)");
  world.drain(*capture);
  CHECK(capture->missed_commits() == 2);
  CHECK(capture->needs_compare());
  REQUIRE(capture->take_all(*world.owner, *world.snapshot)->has_value());
  world.snapshot->end();
  world.app.run("INSERT INTO t VALUES(4)");
  world.drain(*capture);
  CHECK(capture->missed_commits() == 2);
  CHECK_FALSE(capture->needs_compare());
  CHECK(capture->is_proven(*world.owner->read_index()));
}

TEST_CASE("a capture lists the changes since the last one, unless a commit was missed") {
  Attached world;
  const auto capture = world.capture();
  world.drain(*capture);
  CHECK_FALSE((*capture->take_all(*world.owner, *world.snapshot))->continues);
  world.snapshot->end();
  world.app.run("INSERT INTO t VALUES(1)");
  world.drain(*capture);
  capture->add_pending(PageSet::range(Pgno{1}, Pgno{3}));
  const auto next = capture->take(*world.owner, *world.snapshot, 0);
  CHECK((*next)->continues);
  CHECK((*next)->changed.size() == 1);
  CHECK((*next)->pages.size() > 2);
  world.snapshot->end();
  capture->require_compare();
  CHECK_FALSE((*capture->take_all(*world.owner, *world.snapshot))->continues);
  world.snapshot->end();
  capture->resume_compare();
  CHECK(capture->needs_compare());
  CHECK((*capture->take_all(*world.owner, *world.snapshot))->continues);
}

TEST_CASE("WAL restarts, rollbacks and walwrap's checkpoints do not change the commit counts") {
  Attached world;
  const auto capture = world.capture();
  world.drain(*capture);
  REQUIRE(capture->take_all(*world.owner, *world.snapshot)->has_value());
  world.snapshot->end();
  const auto capture_all = [&]() -> Result<void> {
    world.drain(*capture);
    return {};
  };
  for (int i = 0; i < 30; ++i) {
    world.app.run("INSERT INTO t VALUES(randomblob(5000)); UPDATE t SET a=a");
    world.app.run("BEGIN; INSERT INTO t VALUES(zeroblob(50000)); ROLLBACK");
    world.app.run("CREATE TABLE u(a); DROP TABLE u");
    if (i % 3 == 0) REQUIRE(world.owner->pass(capture_all).has_value());
    if (i % 7 == 0) world.drain(*capture);
    if (i % 7 == 0) REQUIRE(world.owner->truncate().value());
  }
  world.drain(*capture);
  CHECK(capture->missed_commits() == 0);
  CHECK(capture->can_prove());
  CHECK_FALSE(capture->needs_compare());
  CHECK(capture->is_proven(*world.owner->read_index()));
}

TEST_CASE("every new page is captured except the lock page, and none past the end") {
  Attached world;
  const auto capture = world.capture();
  world.drain(*capture);
  const auto shot = capture->take(*world.owner, *world.snapshot, 0);
  REQUIRE(shot->has_value());
  CHECK((*shot)->pages == PageSet::range(Pgno{1}, Pgno{(*shot)->commit}));
  world.snapshot->end();
  world.app.run("DELETE FROM t; VACUUM");
  world.drain(*capture);
  const auto shrunk = capture->take(*world.owner, *world.snapshot, (*shot)->commit);
  CHECK((*shrunk)->commit < (*shot)->commit);
  CHECK((*shrunk)->pages.last() <= Pgno{(*shrunk)->commit});
}

}  // namespace
}  // namespace walwrap::replication
