#include "walwrap/replication/replica/ownership.hpp"

#include <doctest/doctest.h>

#include "tests/support/fake_store.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/storage/file_store.hpp"

namespace walwrap::replication {
namespace {

TEST_CASE("parsing a formatted identity gives the same identity") {
  const auto parsed = parse_identity(format_identity({RandomId{0x123456789abcdef0}}));
  REQUIRE(parsed.has_value());
  CHECK(parsed->lineage == RandomId{0x123456789abcdef0});
}

TEST_CASE("an unreadable identity is damaged and never absent") {
  for (const char* text :
       {"", "null", "[]", "{", "{}", R"({"version": 2, "lineage": "123456789abcdef0"})",
        R"({"version": 1})", R"({"version": 1, "lineage": 7})",
        R"({"version": 1, "lineage": "123456789ABCDEF0"})",
        R"({"version": "1", "lineage": "123456789abcdef0"})"}) {
    CAPTURE(text);
    const auto parsed = parse_identity(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Code::Corrupt);
  }
}

TEST_CASE("the first writer gives a replica its lineage, and the second one reads it") {
  const testing::TempDir directory;
  auto store = storage::FileStore::open(directory.path() / "replica", storage::Access::Create);
  REQUIRE(store.has_value());
  CHECK_FALSE(read_identity(**store)->has_value());
  CHECK(claim_identity(**store, RandomId{1})->lineage == RandomId{1});
  CHECK(claim_identity(**store, RandomId{2})->lineage == RandomId{1});
  CHECK(read_identity(**store)->value().lineage == RandomId{1});
}

TEST_CASE("a probe finds out whether a second writer is detected, and changes nothing else") {
  testing::FakeBucket bucket;
  testing::FakeStore careful(bucket);
  for (const int requests : {2, 1}) {
    bucket.forget_calls();
    CHECK(probe_fencing(careful).value() == Fencing::On);
    CHECK(bucket.calls().size() == requests);
  }
  CHECK(bucket.keys() == std::vector<std::string>{std::string(kProbeKey)});
  testing::CarelessStore careless(bucket, storage::CreateOnly::NotKnown);
  CHECK(probe_fencing(careless).value() == Fencing::Off);
  testing::CarelessStore refusing(bucket, storage::CreateOnly::LookBefore);
  CHECK(probe_fencing(refusing).value() == Fencing::Off);
  bucket.faults().fail_all(testing::StoreFault::error(Code::Unavailable));
  CHECK(probe_fencing(careful).error().code == Code::Unavailable);
}

TEST_CASE("a directory is probed by the same create-only put as a bucket") {
  const testing::TempDir directory;
  auto store = storage::FileStore::open(directory.path() / "replica", storage::Access::Create);
  REQUIRE(store.has_value());
  CHECK(probe_fencing(**store).value() == Fencing::On);
  const auto listed = (*store)->list("", "");
  REQUIRE(listed.has_value());
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().key == kProbeKey);
}

}  // namespace
}  // namespace walwrap::replication
