#include "walwrap/replication/upload/compactor.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "tests/support/chain.hpp"
#include "tests/support/fake_store.hpp"
#include "walwrap/base/check.hpp"

namespace walwrap::replication {
namespace {

using testing::Chain;

// A chain of four uploads, and a compactor of its own beside the uploader's.
struct CompactorRig {
  testing::FakeBucket bucket;
  testing::FakeStore store{bucket};
  Chain chain{std::make_unique<testing::FakeStore>(bucket)};
  PageSums sums = StateDir::open(chain.world.directory / "sums.db").value().open_sums().value();
  bool hurried = false;
  Compactor compactor{
      {.style = KeyStyle::Directory,
       .limits = {.files = 3, .bytes = 400'000, .most_files = 9},
       .encoder = SnapshotFile({.on_streamed = [](Bytes) {}, .start_encoder = ltx::Encoder::start},
                               chain.clock, chain.log),
       .is_hurried = [this] { return hurried; }},
      chain.clock,
      chain.log};

  CompactorRig() {
    for (int i = 0; i < 4; ++i) {
      chain.app.run("INSERT INTO t VALUES(2)");
      REQUIRE(chain.upload().is_stored());
    }
    bucket.forget_calls();
  }
  Txid txid() const { return chain.uploader->state().txid; }
  Compactor::Source source(const UploadJob& job) {
    // Of these sums nothing is known, so every page may have changed.
    REQUIRE(sums.resize(job.commit));
    return {.store = store, .job = job, .state = chain.uploader->state(), .sums = sums};
  }
};

TEST_CASE("a compactor lists the levels only when a file could be due, and only once") {
  CompactorRig rig;
  rig.compactor.learn_levels(rig.store, Txid{2});
  CHECK(rig.bucket.calls().empty());
  CHECK_FALSE(rig.compactor.is_due(Txid{9}));
  rig.compactor.learn_levels(rig.store, rig.txid());
  const int listings = rig.bucket.count(testing::StoreOperation::List);
  CHECK(listings > 0);
  CHECK(rig.compactor.is_due(rig.txid()));
  rig.compactor.learn_levels(rig.store, rig.txid());
  CHECK(rig.bucket.count(testing::StoreOperation::List) == listings);
}

TEST_CASE("the first file above the uploads is a snapshot, and then no other one is due") {
  CompactorRig rig;
  rig.compactor.learn_levels(rig.store, rig.txid());
  const UploadJob job = rig.chain.job(job::Compare{});
  rig.compactor.compact(rig.source(job));
  const auto stored = rig.store.head("ltx/9/0000000000000001-0000000000000004.ltx");
  REQUIRE(stored.has_value());
  CHECK(rig.compactor.take_bytes() == stored->size);
  CHECK(rig.compactor.take_bytes() == 0);
  CHECK_FALSE(rig.compactor.is_due(rig.txid()));
}

TEST_CASE("a compactor in a hurry stores nothing, and tries again some uploads later") {
  CompactorRig rig;
  rig.compactor.learn_levels(rig.store, rig.txid());
  rig.hurried = true;
  const UploadJob job = rig.chain.job(job::Compare{});
  rig.compactor.compact(rig.source(job));
  CHECK(rig.compactor.take_bytes() == 0);
  CHECK_FALSE(rig.compactor.is_due(rig.txid()));
  CHECK(rig.compactor.is_due(Txid{rig.txid().value + 3}));
}

TEST_CASE("a stop ends a snapshot, unless the snapshot repairs the chain") {
  for (const bool is_chain_broken : {false, true}) {
    CAPTURE(is_chain_broken);
    CompactorRig rig;
    rig.hurried = true;
    const UploadJob job = rig.chain.job(job::Snapshot{});
    auto source = rig.source(job);
    source.is_chain_broken = is_chain_broken;
    CHECK(rig.compactor.put_snapshot(source).has_value() == is_chain_broken);
  }
}

TEST_CASE("compacting with unknown levels causes a panic") {
  CompactorRig rig;
  const UploadJob job = rig.chain.job(job::Compare{});
  CHECK_THROWS_AS(rig.compactor.compact(rig.source(job)), Panic);
}

}  // namespace
}  // namespace walwrap::replication
