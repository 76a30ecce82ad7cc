#include "walwrap/replication/upload/upload_file.hpp"

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"
#include "walwrap/replication/replica/wal_reach.hpp"

namespace walwrap::replication {
namespace {

TEST_CASE("an upload's header names its writer and covered position, but no WAL of walwrap") {
  const wal::Position covers{{7, 8}, 42, {9, 10}};
  const auto header = upload_header(
      {.page_size = PageSize{4096}, .commit = 5, .txids = {Txid{3}, Txid{3}}, .covers = covers},
      RandomId{77}, WallTime{});
  CHECK(header.node == RandomId{77});
  CHECK(header.wal.offset == 32);
  CHECK(header.wal.size == 24 + 4096);
  CHECK(header.wal.salt1 == 0);
  CHECK(parse_position(header.reserved) == covers);
}

TEST_CASE("a copy reads each page once, and a batch that is too large is not copied") {
  const testing::TempDir dir;
  auto copy = PageCopy::create(dir.path(), PageSize{512}).value();
  int reads = 0;
  const ReadPage read = [&](Pgno, MutableByteSpan) -> Result<void> {
    ++reads;
    return {};
  };
  const auto pages = PageSet::range(Pgno{1}, Pgno{3});
  REQUIRE(copy_missing(pages, read, copy).has_value());
  REQUIRE(copy_missing(PageSet::range(Pgno{2}, Pgno{4}), read, copy).has_value());
  CHECK(reads == 4);
  const os::Path directory = dir.path();
  CHECK(has_room_to_copy(directory, 4096, false));
  CHECK_FALSE(has_room_to_copy(directory, 1ULL << 30, false));
  CHECK_FALSE(has_room_to_copy(directory, 1ULL << 60, true));
  CHECK_FALSE(has_room_to_copy(std::nullopt, 4096, true));
}

}  // namespace
}  // namespace walwrap::replication
