#include "walwrap/replication/replica/listing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/support/fake_store.hpp"
#include "walwrap/replication/replica/plan.hpp"

namespace walwrap::replication {
namespace {

// A bucket of 50 uploads, and of nothing that is in them.
struct Bucket {
  testing::FakeBucket bucket;
  testing::FakeStore store{bucket};
  int lists = 0;  // of the last plan

  Bucket() {
    bucket.page = 10;
    for (std::uint64_t txid = 1; txid <= 50; ++txid) add(kUploadLevel, txid, txid);
    bucket.set(std::string(kIdentityKey), {});
  }
  void add(Level level, std::uint64_t first, std::uint64_t last) {
    bucket.set(file_key(KeyStyle::S3, level, {Txid{first}, Txid{last}}), ByteVector(200));
  }
  void remove_uploads(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t txid = first; txid <= last; ++txid) {
      bucket.erase(file_key(KeyStyle::S3, kUploadLevel, {Txid{txid}, Txid{txid}}));
    }
  }
  RestorePlan plan() {
    bucket.forget_calls();
    const auto listing = list_newest(store, KeyStyle::S3).value();
    CHECK(listing.foreign_key.empty());
    lists = bucket.count(testing::StoreOperation::List);
    return plan_restore(listing.files, {}).value();
  }
};

TEST_CASE("the listing for the newest state skips files that the newest snapshot covers") {
  Bucket bucket;
  CHECK(bucket.plan().files.size() == 50);
  bucket.add(kSnapshotLevel, 1, 20);
  bucket.add(kSnapshotLevel, 1, 40);
  const auto plan = bucket.plan();
  REQUIRE(plan.files.size() == 11);
  CHECK(plan.files[0].txids == TxidRange{Txid{1}, Txid{40}});
  CHECK(plan.files[1].txids == TxidRange{Txid{41}, Txid{41}});
  CHECK(plan.reached == Txid{50});
  CHECK(bucket.lists == 5);
  // The upload that the snapshot ends with says who has written it.
  const auto listed = list_newest(bucket.store, KeyStyle::S3).value();
  CHECK(extent_of(listed.files).newest_upload == Txid{50});
  const auto has = [&](std::uint64_t txid) {
    return std::ranges::any_of(listed.files, [&](const StoredFile& file) {
      return file.txids == TxidRange{Txid{txid}, Txid{txid}};
    });
  };
  CHECK(has(40));
  CHECK(!has(39));
}

TEST_CASE("one request lists a bucket of a thousand objects") {
  Bucket bucket;
  bucket.bucket.page = 51;
  CHECK(bucket.plan().files.size() == 50);
  CHECK(bucket.lists == 1);
}

TEST_CASE("the listing for the newest state skips files that higher levels cover") {
  Bucket bucket;
  bucket.add(Level{3}, 2, 20);
  bucket.add(Level{2}, 2, 20);
  bucket.add(Level{2}, 21, 40);
  for (std::uint64_t first = 21; first <= 45; first += 4) bucket.add(Level{1}, first, first + 3);
  const auto plan = bucket.plan();
  CHECK(bucket.lists == 5);
  std::string files;
  for (const StoredFile& file : plan.files) {
    files += fmt::format("{}:{}-{} ", file.level, file.txids.first.value, file.txids.last.value);
  }
  CHECK(files == "0:1-1 3:2-20 2:21-40 1:41-44 1:45-48 0:49-49 0:50-50 ");
}

TEST_CASE("a compacted file of another writer may begin before the end of its snapshot") {
  Bucket bucket;
  bucket.add(kSnapshotLevel, 1, 30);
  bucket.add(Level{1}, 21, 45);
  bucket.remove_uploads(1, 45);
  bucket.bucket.page = 5;
  const auto plan = bucket.plan();
  CHECK(bucket.lists == 5);
  CHECK(plan.reached == Txid{50});
  REQUIRE(plan.files.size() == 7);
  CHECK(plan.files[1].txids == TxidRange{Txid{21}, Txid{45}});
}

TEST_CASE("a start lists everything if the levels do not lead to the newest state") {
  Bucket bucket;
  bucket.add(kSnapshotLevel, 1, 5000);
  bucket.add(Level{1}, 51, 5045);
  bucket.remove_uploads(1, 50);
  for (std::uint64_t txid = 5046; txid <= 5050; ++txid) bucket.add(kUploadLevel, txid, txid);
  bucket.bucket.page = 5;
  const auto plan = bucket.plan();
  CHECK(bucket.lists == 6);
  CHECK(plan.reached == Txid{5050});
  CHECK(plan.files.size() == 7);
}

TEST_CASE("a stale listing is detected behind a snapshot as well") {
  testing::StoreFault stale;
  stale.kind = testing::StoreFault::Kind::Stale;
  for (const int request : {1, 2, 3, 4, 5}) {
    CAPTURE(request);
    Bucket bucket;
    bucket.add(kSnapshotLevel, 1, 40);
    bucket.bucket.faults().fail(request, stale);
    CHECK(plan_restore(list_newest(bucket.store, KeyStyle::S3).value().files, {})->reached ==
          Txid{50});
  }
}

TEST_CASE("a TXID too large to be real is refused before it is used") {
  const auto lists = [](const char* digits) {
    Bucket bucket;
    bucket.bucket.set("0000/0000000000000033-" + std::string(digits) + ".ltx", ByteVector(200));
    return list_replica(bucket.store, KeyStyle::S3);
  };
  CHECK(lists("0000000000000033").has_value());
  CHECK(lists("7fffffffffffffff").has_value());
  for (const char* digits : {"8000000000000000", "ffffffffffffffff"}) {
    const auto listed = lists(digits);
    REQUIRE_FALSE(listed.has_value());
    CHECK(listed.error().code == Code::Corrupt);
    CHECK(listed.error().text.find(digits) != std::string::npos);
  }
}

}  // namespace
}  // namespace walwrap::replication
