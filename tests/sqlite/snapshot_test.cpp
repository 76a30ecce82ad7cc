#include "walwrap/sqlite/snapshot.hpp"

#include <doctest/doctest.h>

#include "tests/support/app_db.hpp"
#include "tests/support/owner.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/wal/frame_map.hpp"

namespace walwrap::sqlite {
namespace {

using testing::AppDb;
using testing::TempDir;

using testing::kClock;
using testing::kNothingToCapture;

// The frames of the log so far, scanned from its beginning.
wal::FrameMap scan(const CheckpointOwner& owner, std::uint32_t max_frame) {
  auto file = os::File::open(owner.database().string() + "-wal", os::File::Open::ReadOnly);
  ByteVector bytes(wal::frame_offset(max_frame + 1, owner.page_size()));
  REQUIRE(*file->read_at(bytes, 0) == bytes.size());
  auto scanner =
      *wal::Scanner::start(ByteSpan(bytes).first(wal::kHeaderBytes), std::nullopt).value();
  wal::FrameMap map;
  for (const auto& transaction : scanner.feed(ByteSpan(bytes).subspan(wal::kHeaderBytes))) {
    map.add(transaction);
  }
  return map;
}

void give_all_frames(const CheckpointOwner& owner, Snapshot& snapshot,
                     const Snapshot::Moment& moment) {
  std::vector<FrameRef> frames;
  if (!moment.all_backfilled) {
    const auto map = scan(owner, moment.index.max_frame);
    for (std::uint32_t pgno = 1; pgno <= moment.index.pages; ++pgno) {
      if (const auto frame = map.newest(Pgno{pgno})) frames.push_back({Pgno{pgno}, frame});
    }
  }
  snapshot.set_frames(moment.index.salts, std::move(frames));
}

ByteVector image(const Snapshot& snapshot, const Snapshot::Moment& moment) {
  ByteVector all(std::size_t{moment.index.pages} * moment.index.page_size.value);
  for (std::uint32_t pgno = 1; pgno <= moment.index.pages; ++pgno) {
    const auto page = MutableByteSpan(all).subspan(
        std::size_t{pgno - 1} * moment.index.page_size.value, moment.index.page_size.value);
    REQUIRE(snapshot.read_page(Pgno{pgno}, page).has_value());
  }
  return all;
}

struct Attached {
  TempDir directory;
  AppDb app{directory / "app.db"};
  std::unique_ptr<CheckpointOwner> owner;
  std::unique_ptr<Snapshot> snapshot;

  Attached() {
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES('old')");
    owner = *CheckpointOwner::attach(directory / "app.db", kClock);
    snapshot = *Snapshot::open(*owner);
  }
};

TEST_CASE("a snapshot keeps its pages while the app writes and walwrap checkpoints") {
  Attached world;
  const auto moment = world.snapshot->begin(*world.owner);
  REQUIRE(moment.has_value());
  CHECK_FALSE(moment->all_backfilled);
  give_all_frames(*world.owner, *world.snapshot, *moment);
  const ByteVector before = image(*world.snapshot, *moment);
  world.app.run("UPDATE t SET a='new'");
  for (int i = 0; i < 50; ++i) world.app.run("INSERT INTO t VALUES(randomblob(3000))");
  REQUIRE(world.owner->pass(kNothingToCapture).has_value());
  CHECK(image(*world.snapshot, *moment) == before);
}

TEST_CASE("a snapshot of a backfilled WAL reads the file and survives the WAL's restart") {
  Attached world;
  REQUIRE(world.owner->pass(kNothingToCapture).has_value());
  const auto moment = world.snapshot->begin(*world.owner);
  REQUIRE(moment.has_value());
  CHECK(moment->all_backfilled);
  give_all_frames(*world.owner, *world.snapshot, *moment);
  const ByteVector before = image(*world.snapshot, *moment);
  for (int i = 0; i < 50; ++i) world.app.run("UPDATE t SET a=randomblob(3000)");
  REQUIRE(world.owner->pass(kNothingToCapture).has_value());
  CHECK(image(*world.snapshot, *moment) == before);
}

TEST_CASE("a database without a WAL is read completely from its file") {
  const TempDir directory;
  AppDb(directory / "app.db").run("CREATE TABLE t(a); INSERT INTO t VALUES(randomblob(9000))");
  const auto owner = *CheckpointOwner::attach(directory / "app.db", kClock);
  const auto snapshot = *Snapshot::open(*owner);
  const auto moment = snapshot->begin(*owner);
  REQUIRE(moment.has_value());
  CHECK(moment->all_backfilled);
  CHECK(moment->index.pages == os::status_of(directory / "app.db")->size / 4096);
}

TEST_CASE("a page past the end of the file is read as zeros") {
  Attached world;
  REQUIRE(world.owner->pass(kNothingToCapture).has_value());
  const auto moment = world.snapshot->begin(*world.owner);
  give_all_frames(*world.owner, *world.snapshot, *moment);
  ByteVector page(world.owner->page_size().value, std::byte{0xaa});
  REQUIRE(world.snapshot->read_page(Pgno{1000}, page).has_value());
  CHECK(page == ByteVector(page.size(), std::byte{0}));
}

TEST_CASE("a frame of another page is never returned as the page") {
  Attached world;
  const auto moment = world.snapshot->begin(*world.owner);
  world.snapshot->set_frames(moment->index.salts, {{Pgno{2}, 1}});  // frame 1 holds page 1
  ByteVector page(world.owner->page_size().value);
  CHECK(world.snapshot->read_page(Pgno{2}, page).error().code == Code::Corrupt);
  world.snapshot->set_frames(moment->index.salts, {{Pgno{2}, 9999}});
  CHECK(world.snapshot->read_page(Pgno{2}, page).error().code == Code::Corrupt);
}

TEST_CASE("an ended snapshot does not block a checkpoint") {
  Attached world;
  REQUIRE(world.snapshot->begin(*world.owner).has_value());
  world.app.run("INSERT INTO t VALUES(2)");
  REQUIRE(world.owner->pass(kNothingToCapture).has_value());
  CHECK(world.owner->read_index()->not_backfilled() > 0);
  world.snapshot->end();
  REQUIRE(world.owner->pass(kNothingToCapture).has_value());
  CHECK(world.owner->read_index()->not_backfilled() == 0);
}

}  // namespace
}  // namespace walwrap::sqlite
