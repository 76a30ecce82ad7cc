#include "walwrap/replication/ownership.hpp"

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"
#include "walwrap/storage/file_store.hpp"

namespace walwrap::replication {
namespace {

TEST_CASE("an identity survives being written and read") {
  const auto parsed = parse_identity(format_identity({RandomId{0x123456789abcdef0}}));
  REQUIRE(parsed.has_value());
  CHECK(parsed->lineage == RandomId{0x123456789abcdef0});
}

TEST_CASE("an identity that cannot be read is damaged, never absent") {
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

TEST_CASE("the first to claim a replica gives it its lineage, and the second learns it") {
  const testing::TempDir directory;
  auto store = storage::FileStore::open(directory.path() / "replica");
  REQUIRE(store.has_value());
  CHECK_FALSE(read_identity(**store)->has_value());
  CHECK(claim_identity(**store, RandomId{1})->lineage == RandomId{1});
  CHECK(claim_identity(**store, RandomId{2})->lineage == RandomId{1});
  CHECK(read_identity(**store)->value().lineage == RandomId{1});
}

}  // namespace
}  // namespace walwrap::replication
