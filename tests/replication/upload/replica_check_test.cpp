#include "walwrap/replication/upload/replica_check.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/fake_store.hpp"
#include "tests/support/ltx_files.hpp"

namespace walwrap::replication {
namespace {

constexpr RandomId kLineage{0xaa}, kUs{0x11}, kBefore{0x22}, kOther{0x99};

ReplicaExpectation expectation(std::uint64_t txid = 3) {
  return {.lineage = kLineage, .txid = Txid{txid}, .stored_by = kUs, .writers = {kUs, kBefore}};
}
ChainSight chain(std::uint64_t newest, RandomId node, std::string gap = "") {
  return {.newest = Txid{newest}, .node = node, .gap = std::move(gap)};
}
ChainSight others() {
  return {.newest = Txid{0}, .foreign_key = "photos/cat.jpg"};
}

const std::optional<Identity> ours = Identity{kLineage};
const std::optional<Identity> foreign = Identity{kOther};
const std::optional<Identity> none;
const std::optional<SlotSight> slot = SlotSight{.node = kUs};
const std::optional<SlotSight> other_slot = SlotSight{.node = kOther};
const std::optional<SlotSight> damaged = SlotSight{.node = kUs, .damage = "cut off"};
const std::optional<SlotSight> gone;

struct Row {
  std::string_view name;
  ReplicaSight sight;
  ReplicaState state;
  std::uint64_t txid = 3;
};

TEST_CASE("a replica is judged by its identity, newest upload and chain") {
  const Row rows[] = {
      {"as it was", {.identity = ours, .slot = slot}, ReplicaState::Ours},
      {"whole", {.identity = ours, .slot = slot, .chain = chain(3, kUs)}, ReplicaState::Ours},
      {"front gone", {.identity = ours, .slot = slot, .has_front = false}, ReplicaState::Undecided},
      {"front gone, snapshot there",
       {.identity = ours, .slot = slot, .has_front = false, .chain = chain(3, kUs)},
       ReplicaState::Ours},
      {"a gap",
       {.identity = ours, .slot = slot, .chain = chain(3, kUs, "gap")},
       ReplicaState::Broken},
      {"identity gone", {.identity = none, .slot = slot}, ReplicaState::Nameless},
      {"identity cannot be read",
       {.identity = none, .identity_damage = "no JSON", .slot = slot},
       ReplicaState::Foreign},
      {"another identity", {.identity = foreign, .slot = slot}, ReplicaState::Foreign},
      {"another writer's slot", {.identity = ours, .slot = other_slot}, ReplicaState::Foreign},
      {"the slot is damaged", {.identity = ours, .slot = damaged}, ReplicaState::Foreign},
      {"no slot", {.identity = ours, .slot = gone}, ReplicaState::Undecided},
      {"nothing", {.identity = none, .slot = gone}, ReplicaState::Undecided},
      {"emptied", {.identity = none, .slot = gone, .chain = chain(0, {})}, ReplicaState::Empty},
      {"levels emptied",
       {.identity = ours, .slot = gone, .chain = chain(0, {})},
       ReplicaState::Empty},
      {"a directory of photos",
       {.identity = none, .slot = gone, .chain = others()},
       ReplicaState::Foreign},
      {"older, by us",
       {.identity = ours, .slot = gone, .chain = chain(2, kUs)},
       ReplicaState::Older},
      {"older, by our last run",
       {.identity = ours, .slot = gone, .chain = chain(2, kBefore)},
       ReplicaState::Older},
      {"older, by another",
       {.identity = ours, .slot = gone, .chain = chain(2, kOther)},
       ReplicaState::Foreign},
      {"older, without identity",
       {.identity = none, .slot = gone, .chain = chain(2, kUs)},
       ReplicaState::Foreign},
      {"went on without our newest",
       {.identity = ours, .slot = gone, .chain = chain(5, kUs)},
       ReplicaState::Foreign},
      {"nothing stored yet", {.identity = ours}, ReplicaState::Ours, 0},
      {"nothing stored, no identity", {.identity = none}, ReplicaState::Undecided, 0},
      {"nothing stored, emptied",
       {.identity = none, .chain = chain(0, {})},
       ReplicaState::Nameless,
       0},
      {"nothing stored, files there",
       {.identity = none, .chain = chain(2, kOther)},
       ReplicaState::Foreign,
       0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto found = judge_replica(expectation(row.txid), row.sight);
    CHECK(static_cast<int>(found.state) == static_cast<int>(row.state));
    const bool is_told = row.state == ReplicaState::Ours || row.state == ReplicaState::Undecided;
    CHECK(found.reason.empty() == is_told);
  }
}

// Uploads 1 to 3 in a bucket.
struct Bucket {
  testing::FakeBucket bucket;
  testing::FakeStore store{bucket};
  ReplicaExpectation expected = expectation();

  Bucket() {
    bucket.set(std::string(kIdentityKey), as_bytes(format_identity({kLineage})));
    for (std::uint64_t txid = 1; txid <= 3; ++txid) add(txid, kUs);
  }
  static std::string key(std::uint64_t txid) {
    return file_key(KeyStyle::S3, kUploadLevel, {Txid{txid}, Txid{txid}});
  }
  void add(std::uint64_t txid, RandomId node) {
    auto header = testing::ltx_header(PageSize{4096}, 1, txid, txid);
    header.node = node;
    testing::PageMap pages;
    pages[1] = ByteVector(4096, std::byte{static_cast<unsigned char>(txid)});
    bucket.set(key(txid), testing::encode_ltx(header, pages).value());
  }
  std::string reason() {
    const auto done = verify_replica(store, KeyStyle::S3, expected);
    return done ? "" : done.error().text;
  }
};

TEST_CASE("the last check of a bucket proves that the newest state can be restored") {
  Bucket it;
  CHECK(it.reason() == "");
  it.bucket.forget_calls();
  CHECK(it.reason() == "");
  CHECK(it.bucket.calls().size() <= 6);

  const auto first = *it.bucket.bytes_of(Bucket::key(1));
  it.bucket.erase(Bucket::key(1));
  CHECK(it.reason().find("gap") != std::string::npos);
  it.bucket.set(Bucket::key(1), first);

  it.add(4, kOther);
  CHECK(it.reason().find("ends at TXID") != std::string::npos);
  it.bucket.erase(Bucket::key(4));

  it.expected.slot = KnownFile{.size = it.bucket.bytes_of(Bucket::key(3))->size(), .checksum = 7};
  CHECK(it.reason().find("differs from what was stored") != std::string::npos);
  it.expected.slot.reset();

  it.bucket.erase(Bucket::key(3));
  CHECK(it.reason().find("has lost uploads") != std::string::npos);
  it.bucket.faults().fail_all(testing::StoreFault::error(Code::Denied));
  CHECK(it.reason().find("inspect the replica") != std::string::npos);
}

TEST_CASE("uploads of this run are recognised by size and checksum") {
  Bucket it;
  const auto bytes = *it.bucket.bytes_of(Bucket::key(3));
  const auto trailer = ByteSpan(bytes).last(ltx::kTrailerBytes);
  auto header = testing::ltx_header(PageSize{4096}, 1, 3, 3);
  header.node = kUs;
  const auto parsed = ltx::parse_trailer(trailer, header).value();
  it.expected.slot = KnownFile{.size = bytes.size(), .checksum = parsed.file_checksum};
  CHECK(it.reason() == "");
  it.bucket.set(Bucket::key(3), ByteSpan(bytes).first(bytes.size() - 1));
  CHECK(it.reason().find("differs from what was stored") != std::string::npos);
}

}  // namespace
}  // namespace walwrap::replication
