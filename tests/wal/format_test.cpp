#include "walwrap/wal/format.hpp"

#include <doctest/doctest.h>

#include "tests/support/test_data.hpp"
#include "tests/support/wal_builder.hpp"

namespace walwrap::wal {
namespace {

using testing::test_data;
using testing::WalBuilder;

TEST_CASE("formatting a parsed WAL header gives SQLite's bytes") {
  struct Row {
    const char* name;
    std::uint32_t page_size;
  };
  for (const Row& row : {Row{"wal/restarted.db-wal", 512}, Row{"wal/big.db-wal", 65536}}) {
    CAPTURE(row.name);
    const ByteVector log = test_data(row.name);
    const auto header = parse_header(ByteSpan(log).first(kHeaderBytes));
    REQUIRE(header.has_value());
    REQUIRE(header.value().has_value());
    CHECK((*header)->page_size.value == row.page_size);
    const auto again = format_header(**header);
    CHECK(std::equal(again.begin(), again.end(), log.begin()));
  }
}

TEST_CASE("a WAL header with a wrong bit is one that SQLite has not finished writing") {
  const ByteVector good = WalBuilder(PageSize{4096}, WordOrder::Big).bytes();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    // The lowest bit of the magic is the word order; any change of it breaks the checksum too.
    ByteVector bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto header = parse_header(bad);
    CAPTURE(bit);
    REQUIRE(header.has_value());
    CHECK_FALSE(header->has_value());
  }
}

TEST_CASE("an empty or truncated WAL has no header yet") {
  const ByteVector good = WalBuilder(PageSize{4096}, WordOrder::Little).bytes();
  for (std::size_t length = 0; length < kHeaderBytes; ++length) {
    const auto header = parse_header(ByteSpan(good).first(length));
    REQUIRE(header.has_value());
    CHECK_FALSE(header->has_value());
  }
}

// A header that is right but for one field, checksummed as it is.
ByteVector header_with(std::size_t offset, std::uint32_t value) {
  ByteVector bytes = WalBuilder(PageSize{4096}, WordOrder::Little).bytes();
  store_be32(MutableByteSpan(bytes).subspan(offset), value);
  const Checksum sum = checksum(WordOrder::Little, {}, ByteSpan(bytes).first(24));
  store_be32(MutableByteSpan(bytes).subspan(24), sum.first);
  store_be32(MutableByteSpan(bytes).subspan(28), sum.second);
  return bytes;
}

TEST_CASE("another WAL version is unsupported, and an impossible page size is corrupt") {
  const auto version = parse_header(header_with(4, 3007001));
  REQUIRE_FALSE(version.has_value());
  CHECK(version.error().code == Code::Unsupported);
  for (const std::uint32_t size : {0U, 1U, 256U, 4095U, 131072U, 0x80000000U}) {
    CAPTURE(size);
    const auto header = parse_header(header_with(8, size));
    REQUIRE_FALSE(header.has_value());
    CHECK(header.error().code == Code::Corrupt);
  }
}

TEST_CASE("the frames of SQLite's WAL carry the running checksum") {
  const ByteVector log = test_data("wal/big.db-wal");
  const auto header = *parse_header(log).value();
  const ByteSpan frame =
      ByteSpan(log).subspan(frame_offset(1, header.page_size), frame_bytes(header.page_size));
  const FrameHeader parsed = parse_frame_header(frame);
  CHECK(parsed.pgno == Pgno{1});
  CHECK(parsed.commit == 0);
  CHECK(parsed.salts == header.salts);
  const Checksum head = checksum(header.order, header.checksum, frame.first(8));
  CHECK(checksum(header.order, head, frame.subspan(kFrameHeaderBytes)) == parsed.checksum);
  const auto again = format_frame_header(parsed);
  CHECK(std::equal(again.begin(), again.end(), frame.begin()));
}

TEST_CASE("both byte orders of the checksum are computed correctly") {
  const ByteVector bytes = testing::from_hex("0102030405060708 1112131415161718");
  // By hand: s0 = x0, s1 = x1 + s0, s0 += x2 + s1, s1 += x3 + s0.
  CHECK(checksum(WordOrder::Big, {}, bytes) == Checksum{0x181c2024, 0x333a4148});
  CHECK(checksum(WordOrder::Little, {}, bytes) == Checksum{0x24201c18, 0x48413a33});
  CHECK(checksum(WordOrder::Big, {1, 2}, ByteSpan(bytes).first(8)) ==
        Checksum{0x01020307, 0x06080a11});
}

TEST_CASE("frames follow each other after the header") {
  CHECK(frame_offset(1, PageSize{512}) == 32);
  CHECK(frame_offset(3, PageSize{512}) == 32 + 2 * 536);
  CHECK(frame_offset(0xffffffff, PageSize{65536}) == 32 + 0xfffffffeULL * 65560);
}

}  // namespace
}  // namespace walwrap::wal
