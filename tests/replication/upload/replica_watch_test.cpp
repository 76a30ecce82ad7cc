#include "walwrap/replication/upload/replica_watch.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/chain.hpp"
#include "tests/support/fake_store.hpp"

namespace walwrap::replication {
namespace {

using testing::Chain;
using testing::snapshot_of;
namespace fs = std::filesystem;

// What the upload thread knows after a look, and what an upload that follows makes of it.
struct Replica : Chain {
  Replica() {
    upload();
    app.run("INSERT INTO t VALUES(2)");
    upload();
  }
  fs::path file(std::uint64_t txid) const {
    return world.replica / file_key(KeyStyle::Directory, kUploadLevel, {Txid{txid}, Txid{txid}});
  }
  const ReplicaReport& look(LookAt what = LookAt::Newest) {
    clock.advance(std::chrono::seconds(5));
    uploader->look_soon(what);
    uploader->look_if_due(clock.mono());
    return uploader->replica();
  }
  bool is_proven() const { return clock.mono() < uploader->replica().proven_until; }
  UploadDone store_more() {
    app.run("INSERT INTO t VALUES(3)");
    auto done = upload();
    capture->add_pending(done.to_store);
    return done;
  }
};

TEST_CASE("an upload proves the replica, and the proof is valid for a while") {
  Replica it;
  CHECK(it.is_proven());
  it.clock.advance(std::chrono::seconds(2));
  CHECK_FALSE(it.is_proven());
  CHECK(it.look().lost == "");
  CHECK(it.is_proven());
}

TEST_CASE("nothing is stored in a removed directory, and uploads continue when it is back") {
  Replica it;
  fs::rename(it.world.replica, it.world.directory / "moved");
  const auto done = it.store_more();
  CHECK_FALSE(done.is_stored());
  CHECK_FALSE(done.stop);
  CHECK(done.error.find("no longer exists") != std::string::npos);
  CHECK_FALSE(fs::exists(it.world.replica));
  CHECK_FALSE(it.is_proven());
  CHECK(it.uploader->replica().lost.find("no longer exists") != std::string::npos);
  fs::rename(it.world.directory / "moved", it.world.replica);
  CHECK(it.store_more().is_stored());
  CHECK(it.is_proven());
  CHECK(it.uploader->replica().lost == "");
}

TEST_CASE("nothing is stored in an empty or foreign directory in place of the replica") {
  Replica it;
  fs::rename(it.world.replica, it.world.directory / "moved");
  fs::create_directory(it.world.replica);
  CHECK_FALSE(it.store_more().is_stored());
  CHECK(it.uploader->replica().lost.find("is empty") != std::string::npos);
  CHECK(it.uploader->replica().hint.find("--allow-empty-replica") != std::string::npos);
  CHECK(fs::is_empty(it.world.replica));

  std::ofstream(it.world.replica / "cat.jpg") << "meow";
  CHECK_FALSE(it.store_more().is_stored());
  CHECK(it.uploader->replica().lost.find("was replaced") != std::string::npos);
  CHECK_FALSE(fs::exists(it.world.replica / "ltx"));
  fs::remove_all(it.world.replica);

  // As new as ours, but of another lineage.
  fs::copy(it.world.directory / "moved", it.world.replica, fs::copy_options::recursive);
  std::ofstream(it.world.replica / "walwrap/identity.json") << format_identity({RandomId{7}});
  CHECK_FALSE(it.store_more().is_stored());
  CHECK(it.uploader->replica().lost.find("lineage") != std::string::npos);
  fs::remove_all(it.world.replica);

  fs::rename(it.world.directory / "moved", it.world.replica);
  CHECK(it.store_more().is_stored());
  CHECK(it.uploader->replica().lost == "");
}

TEST_CASE("a missing identity is rewritten where the newest upload is ours") {
  Replica it;
  fs::remove(it.world.replica / "walwrap/identity.json");
  CHECK(it.store_more().is_stored());
  CHECK(it.is_proven());
  CHECK(fs::exists(it.world.replica / "walwrap/identity.json"));
}

TEST_CASE("an older copy of the replica gets a full image from a new writer") {
  Replica it;
  fs::copy(it.world.replica, it.world.directory / "older", fs::copy_options::recursive);
  it.app.run("INSERT INTO t VALUES(2)");
  REQUIRE(it.upload().txid == Txid{3});
  fs::rename(it.world.replica, it.world.directory / "newer");
  fs::rename(it.world.directory / "older", it.world.replica);
  const RandomId before = it.uploader->state().writer;
  const auto moved = it.store_more();
  CHECK_FALSE(moved.is_stored());
  CHECK(moved.compare_again);
  CHECK(moved.txid == Txid{2});
  CHECK(it.uploader->state().writer != before);
  const auto compared = it.upload(job::Compare{});
  CHECK(std::to_string(compared.to_store.size()) == it.app.text("PRAGMA page_count"));
  it.capture->add_pending(compared.to_store);
  CHECK(it.upload().txid == Txid{3});
  CHECK(it.is_proven());

  // The one with the other TXID 3 comes back: it is another history now.
  fs::rename(it.world.replica, it.world.directory / "ours");
  fs::rename(it.world.directory / "newer", it.world.replica);
  CHECK_FALSE(it.store_more().is_stored());
  CHECK(it.uploader->replica().lost.find("another history") != std::string::npos);
}

TEST_CASE("a chain that lost its first file is detected, repaired by a snapshot, and proven") {
  Replica it;
  CHECK(it.look(LookAt::Chain).broken == "");
  fs::remove(it.file(1));
  CHECK(it.look().broken.find("gap") != std::string::npos);
  CHECK(it.uploader->replica().wants_snapshot);
  CHECK_FALSE(it.is_proven());
  CHECK_FALSE(it.uploader->verify().has_value());
  // What is news is stored meanwhile, and nobody is told that it can be restored.
  CHECK(it.store_more().is_stored());
  CHECK_FALSE(it.is_proven());
  CHECK(snapshot_of(it.upload(job::Snapshot{})).error == "");
  CHECK(it.look().broken == "");
  CHECK(it.is_proven());
  CHECK(it.uploader->verify().has_value());
}

TEST_CASE("the listing at intervals finds a gap in the middle") {
  Replica it;
  it.app.run("INSERT INTO t VALUES(2)");
  it.upload();
  fs::remove(it.file(2));
  CHECK(it.look().broken == "");
  it.clock.advance(std::chrono::minutes(11));
  it.uploader->look_if_due(it.clock.mono());
  CHECK(it.uploader->replica().broken.find("gap") != std::string::npos);
}

TEST_CASE("a bucket is checked with few requests, and only while something is stored in it") {
  testing::FakeBucket bucket;
  testing::FakeStore store(bucket);
  SavedState state;
  state.lineage = RandomId{1};
  REQUIRE(claim_identity(store, state.lineage));
  const MonoTime start = testing::kSystemClock.mono();
  ReplicaWatch watch(&store, start);
  CHECK_FALSE(watch.holds_directory(store));
  CHECK(start < watch.report().proven_until);
  CHECK(watch.due() == start + std::chrono::seconds(10));  // the chain, once
  bucket.forget_calls();
  SavedState known = state;
  const testing::World world;
  auto sums = StateDir::open(world.database).value().open_sums().value();
  const auto look = [&](LookAt what, MonoTime now) {
    return watch.require({.store = store,
                          .style = KeyStyle::S3,
                          .state = known,
                          .sums = sums,
                          .log = testing::kNoLog},
                         what, now);
  };
  REQUIRE(look(LookAt::Chain, watch.due()));
  CHECK(bucket.calls().size() <= 3);
  CHECK(watch.due() == start + std::chrono::seconds(10) + std::chrono::hours(1));
  watch.on_stored(start + std::chrono::seconds(20));
  CHECK(watch.due() == start + std::chrono::seconds(80));
}

}  // namespace
}  // namespace walwrap::replication
