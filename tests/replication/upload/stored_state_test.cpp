#include "walwrap/replication/upload/stored_state.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/world.hpp"
#include "walwrap/base/check.hpp"

namespace walwrap::replication {
namespace {

constexpr RandomId kWriter{0x11};

struct StateRig {
  testing::TempDir dir;
  testing::ManualClock clock;
  testing::FakeBucket bucket;
  testing::FakeStore store{bucket};
  StateDir directory = StateDir::open(dir / "app.db").value();
  StoredState stored{directory, directory.open_sums().value(), state_of_writer(), clock,
                     testing::kNoLog};

  static SavedState state_of_writer() {
    SavedState state;
    state.writer = kWriter;
    return state;
  }
  static UploadJob job() {
    UploadJob job;
    job.page_size = PageSize{4096};
    job.pages = PageSet::range(Pgno{1}, Pgno{2});
    job.commit = 2;
    return job;
  }
  Result<void> acknowledge(std::uint64_t txid) {
    const Encoded encoded{.sums = {11, 12}, .file_checksum = 7, .size = 900};
    auto done = stored.acknowledge(job(), Txid{txid}, encoded, store, KeyStyle::Directory);
    stored.check_invariants();
    return done;
  }
};

TEST_CASE("an acknowledged upload advances the state and the sums together") {
  StateRig rig;
  REQUIRE(rig.acknowledge(1));
  CHECK(rig.stored.get().txid == Txid{1});
  CHECK(rig.stored.get().pages == 2);
  CHECK(rig.stored.get().stored_by == kWriter);
  CHECK(rig.stored.get().front.has_value());
  CHECK(rig.stored.sums().get(Pgno{2}) == 12);
  CHECK(rig.stored.sums().stored_by(Pgno{2}) == Txid{1});
  REQUIRE(rig.acknowledge(2));
  CHECK(rig.stored.get().txid == Txid{2});
}

TEST_CASE("an upload that does not take the next slot causes a panic") {
  StateRig rig;
  REQUIRE(rig.acknowledge(1));
  CHECK_THROWS_AS(ignore(rig.acknowledge(3), "it throws"), Panic);
}

TEST_CASE("the state is saved some seconds after an upload and not without one") {
  StateRig rig;
  CHECK(rig.stored.save_due() == MonoTime::max());
  REQUIRE(rig.acknowledge(1));
  const MonoTime due = rig.stored.save_due();
  CHECK(due > rig.clock.mono());
  rig.stored.save_if_due(rig.clock.mono());
  CHECK_FALSE(rig.directory.load().value().has_value());
  rig.stored.save_if_due(due);
  CHECK(rig.directory.load().value()->txid == Txid{1});
  CHECK(rig.stored.save_due() == MonoTime::max());
}

TEST_CASE("a comparison that finds no difference is saved as well") {
  StateRig rig;
  REQUIRE(rig.acknowledge(1));
  REQUIRE(rig.stored.save(true));
  rig.stored.note_equal(wal::Position{});
  CHECK(rig.stored.get().wal.has_value());
  CHECK(rig.stored.save_due() < MonoTime::max());
}

}  // namespace
}  // namespace walwrap::replication
