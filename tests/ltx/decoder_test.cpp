#include "walwrap/ltx/decoder.hpp"

#include <doctest/doctest.h>

#include "tests/support/ltx_files.hpp"

namespace walwrap::ltx {
namespace {

using testing::decode_ltx;
using testing::encode_ltx;
using testing::from_hex;
using testing::ltx_header;
using testing::ltx_vector;
using testing::PageMap;
using testing::pages_of;
using testing::parts_of;
using testing::reseal_ltx;
using testing::test_data;

constexpr const char* kVectors[] = {"snapshot-f", "snapshot-b", "increment-f", "growth-b",
                                    "merged-f"};

TEST_CASE("files of an independent encoder, in both encodings, decode to their pages") {
  const PageMap first = pages_of(test_data("ltx/1.db"), PageSize{512});
  const PageMap second = pages_of(test_data("ltx/2.db"), PageSize{512});
  const PageMap third = pages_of(test_data("ltx/3.db"), PageSize{512});
  CHECK(decode_ltx(ltx_vector("snapshot-f"))->pages == first);
  CHECK(decode_ltx(ltx_vector("snapshot-b"))->pages == first);
  CHECK(decode_ltx(ltx_vector("increment-f"))->pages == PageMap{{3, second.at(3)}});
  CHECK(decode_ltx(ltx_vector("growth-b"))->pages ==
        PageMap{{1, third.at(1)}, {2, third.at(2)}, {4, third.at(4)}});
  CHECK(decode_ltx(ltx_vector("merged-f"))->pages == third);
  CHECK(decode_ltx(ltx_vector("snapshot-f"))->trailer.file_checksum == 0xc34e41041b93d4e1);
}

TEST_CASE("random files of every page size are encoded and decoded in pieces of any size") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (std::uint32_t size = 512; size <= 65536; size *= 2) {
    for (const std::uint64_t first_txid : {1U, 2U}) {
      const auto commit = static_cast<std::uint32_t>(1 + random() % 40);
      PageMap pages;
      for (std::uint32_t pgno = 1; pgno <= commit; ++pgno) {
        if (first_txid == 1 || random() % 2 == 0) {
          pages[pgno] = testing::random_page(PageSize{size}, random);
        }
      }
      Header header = ltx_header(PageSize{size}, commit, first_txid, first_txid + random() % 9);
      header.node = RandomId{random()};
      const auto file = encode_ltx(header, pages);
      REQUIRE(file.has_value());
      const auto decoded = decode_ltx(*file, 1 + random() % 3000);
      REQUIRE(decoded.has_value());
      CHECK(decoded->header == header);
      CHECK(decoded->pages == pages);
    }
  }
}

TEST_CASE("a file cut off anywhere is corrupt") {
  for (const char* name : kVectors) {
    const ByteVector file = ltx_vector(name);
    for (std::size_t length = 0; length < file.size(); ++length) {
      CAPTURE(length);
      const auto decoded = decode_ltx(ByteSpan(file).first(length));
      REQUIRE_FALSE(decoded.has_value());
      CHECK(decoded.error().code == Code::Corrupt);
    }
  }
}

TEST_CASE("a flipped bit never gives other pages or another header without an error") {
  for (const char* name : kVectors) {
    const ByteVector file = ltx_vector(name);
    const auto good = decode_ltx(file);
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
      ByteVector bad = file;
      bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      const auto decoded = decode_ltx(bad);
      if (!decoded.has_value()) continue;
      // LZ4 data may say the same in two ways; then nothing was lost.
      CAPTURE(name);
      CAPTURE(bit);
      CHECK(decoded->header == good->header);
      CHECK(decoded->pages == good->pages);
    }
  }
}

TEST_CASE("a byte after the trailer is corrupt") {
  ByteVector file = ltx_vector("snapshot-f");
  file.push_back(std::byte{0});
  CHECK_FALSE(decode_ltx(file).has_value());
}

TEST_CASE("an index that does not match the pages is corrupt under a correct file checksum") {
  const ByteVector good = ltx_vector("snapshot-b");
  const auto parts = parts_of(good);
  {
    ByteVector same = good;
    reseal_ltx(same, parts.end_marker);
    REQUIRE(same == good);
  }
  for (std::size_t at = parts.index; at < parts.trailer; ++at) {
    CAPTURE(at);
    ByteVector bad = good;
    bad[at] ^= std::byte{1};
    reseal_ltx(bad, parts.end_marker);
    CHECK_FALSE(decode_ltx(bad).has_value());
  }
  const auto with_index = [&](const char* hex) {
    ByteVector file(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(parts.index));
    const ByteVector index = from_hex(hex);
    file.insert(file.end(), index.begin(), index.end());
    file.resize(file.size() + 24);
    store_be64(MutableByteSpan(file).last(24), index.size());
    reseal_ltx(file, parts.end_marker);
    return decode_ltx(file).has_value();
  };
  CHECK(with_index("01648b01 02ef0126 0395021e 00"));
  CHECK_FALSE(with_index("01648b01 02ef0126 00"));
  CHECK_FALSE(with_index("01648b01 02ef0126 0395021e 04b3021e 00"));
  CHECK_FALSE(with_index("01648b01 02ef0126 0395021e 0000"));
  CHECK_FALSE(with_index("8100648b01 02ef0126 0395021e 00"));
  CHECK_FALSE(with_index("00"));
}

// The header's fields changed and the checksum corrected: only the rules on pages can object.
Result<testing::DecodedLtx> with_header(const char* name, std::size_t offset, std::uint32_t value) {
  ByteVector file = ltx_vector(name);
  store_be32(MutableByteSpan(file).subspan(offset), value);
  reseal_ltx(file, parts_of(file).end_marker);
  return decode_ltx(file);
}

TEST_CASE("pages beyond commit and missing pages in a full image are corrupt") {
  constexpr std::size_t kCommit = 12;
  constexpr std::size_t kFirstTxid = 20;
  CHECK(with_header("snapshot-f", kCommit, 3).has_value());
  CHECK_FALSE(with_header("snapshot-f", kCommit, 2).has_value());
  CHECK_FALSE(with_header("snapshot-f", kCommit, 4).has_value());
  CHECK(with_header("growth-b", kCommit, 5).has_value());
  CHECK_FALSE(with_header("growth-b", kCommit, 3).has_value());
  CHECK(with_header("growth-b", kFirstTxid, 2).has_value());
  CHECK_FALSE(with_header("growth-b", kFirstTxid, 1).has_value());
}

TEST_CASE("the database checksum of a full image that has one is verified") {
  ByteVector file = ltx_vector("snapshot-f");
  const auto parts = parts_of(file);
  store_be32(MutableByteSpan(file).subspan(4), 0);  // flags
  store_be64(MutableByteSpan(file).subspan(parts.trailer), 0x948fe159b6d0f8d2);
  reseal_ltx(file, parts.end_marker);
  CHECK(decode_ltx(file).has_value());
  store_be64(MutableByteSpan(file).subspan(parts.trailer), 0x948fe159b6d0f8d3);
  reseal_ltx(file, parts.end_marker);
  CHECK_FALSE(decode_ltx(file).has_value());
}

TEST_CASE("the error for a version 2 file names the version") {
  ByteVector file = ltx_vector("snapshot-f");
  file.erase(file.begin() + 104, file.begin() + 106);  // its page headers have no flags
  const auto decoded = decode_ltx(file);
  REQUIRE_FALSE(decoded.has_value());
  CHECK(decoded.error().code == Code::Unsupported);
}

TEST_CASE("decoding ends with the error of its source") {
  const auto source = [](MutableByteSpan) -> Result<std::size_t> {
    return fail(Code::Unavailable, "connection reset");
  };
  const auto decoder = Decoder::start(source);
  REQUIRE_FALSE(decoder.has_value());
  CHECK(decoder.error().code == Code::Unavailable);
}

}  // namespace
}  // namespace walwrap::ltx
