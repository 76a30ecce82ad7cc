#include "walwrap/ltx/page_frame.hpp"

#include <doctest/doctest.h>
#include <lz4.h>
#include <lz4frame.h>

#include "tests/support/ltx_files.hpp"

namespace walwrap::ltx {
namespace {

using testing::from_hex;

ByteVector counting_page(std::size_t length) {
  ByteVector page(length);
  for (std::size_t i = 0; i < length; ++i) page[i] = static_cast<std::byte>(i);
  return page;
}

ByteVector text_page(std::size_t length) {
  ByteVector page(length);
  for (std::size_t i = 0; i < length; ++i) page[i] = static_cast<std::byte>("sqlite "[i * i % 7]);
  return page;
}

ByteVector with_page_header(std::uint32_t pgno, std::uint16_t flags, ByteSpan body) {
  ByteVector frame(kPageHeaderBytes + body.size());
  store_be32(frame, pgno);
  store_be16(MutableByteSpan(frame).subspan(4), flags);
  std::copy(body.begin(), body.end(), frame.begin() + kPageHeaderBytes);
  return frame;
}

ByteVector lz4_frame(ByteSpan content, const LZ4F_preferences_t& preferences) {
  ByteVector out(LZ4F_compressFrameBound(content.size(), &preferences));
  const std::size_t length =
      LZ4F_compressFrame(out.data(), out.size(), content.data(), content.size(), &preferences);
  REQUIRE_FALSE(LZ4F_isError(length));
  out.resize(length);
  return out;
}

ByteVector sized_block(ByteSpan content) {
  ByteVector out(4 + static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(content.size()))));
  const int length = LZ4_compress_default(
      reinterpret_cast<const char*>(content.data()), reinterpret_cast<char*>(out.data()) + 4,
      static_cast<int>(content.size()), static_cast<int>(out.size()) - 4);
  REQUIRE(length > 0);
  store_be32(out, static_cast<std::uint32_t>(length));
  out.resize(4 + static_cast<std::size_t>(length));
  return out;
}

struct Outcome {
  Pgno pgno;
  ByteVector page;
  Crc64 checksum;
};
Result<Outcome> decode(ByteSpan frame, std::size_t page_size) {
  Outcome outcome{{}, ByteVector(page_size), {}};
  const PageSize size{static_cast<std::uint32_t>(page_size)};
  const std::size_t length = TRY(measure_page_frame(frame, size));
  if (length != frame.size()) return fail(Code::Corrupt, "measures {} bytes", length);
  outcome.pgno = TRY(decode_page_frame(frame, outcome.page, outcome.checksum));
  return outcome;
}

TEST_CASE("a page that LZ4 does not shrink is stored uncompressed") {
  PageFrameWriter writer(PageSize{512});
  Crc64 checksum;
  std::mt19937_64 random(1);
  ByteVector page(512);
  for (std::byte& byte : page) byte = static_cast<std::byte>(random());
  const ByteSpan frame = writer.encode(Pgno{3}, page, checksum);
  REQUIRE(frame.size() == kPageHeaderBytes + 531);
  const ByteVector head = from_hex("00000003 0000 04224d18 6440a7 00020080");
  CHECK(std::equal(head.begin(), head.end(), frame.begin()));
  CHECK(std::equal(page.begin(), page.end(), frame.begin() + 17));
  const auto decoded = decode(frame, 512);
  REQUIRE(decoded.has_value());
  CHECK(decoded->page == page);
}

TEST_CASE("an encoded frame equals the one that LZ4's own frame library writes") {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  std::mt19937_64 random(2);
  for (std::uint32_t size = 512; size <= 65536; size *= 2) {
    PageFrameWriter writer(PageSize{size});
    for (int round = 0; round < 8; ++round) {
      const ByteVector page = testing::random_page(PageSize{size}, random);
      Crc64 checksum;
      const ByteSpan frame = writer.encode(Pgno{7}, page, checksum);
      const ByteVector expected = with_page_header(7, 0, lz4_frame(page, preferences));
      REQUIRE(std::equal(frame.begin(), frame.end(), expected.begin(), expected.end()));
    }
  }
}

TEST_CASE("the stored and literals-only examples of the format decode to their page") {
  const ByteVector page = counting_page(512);
  ByteVector stored = from_hex("04224d18 6440a7 00020080");
  stored.insert(stored.end(), page.begin(), page.end());
  const ByteVector tail = from_hex("00000000 c7d219f3");
  stored.insert(stored.end(), tail.begin(), tail.end());
  ByteVector literals = from_hex("00000203 f0fff2");
  literals.insert(literals.end(), page.begin(), page.end());
  for (const auto& frame : {with_page_header(9, 0, stored), with_page_header(9, 1, literals)}) {
    const auto decoded = decode(frame, 512);
    REQUIRE(decoded.has_value());
    CHECK(decoded->pgno == Pgno{9});
    CHECK(decoded->page == page);
  }
}

TEST_CASE("the file checksum of a page covers its header, its size field and the page") {
  const ByteVector page = text_page(1024);
  const auto decoded = decode(with_page_header(5, 1, sized_block(page)), 1024);
  REQUIRE(decoded.has_value());
  ByteVector covered = with_page_header(5, 1, ByteSpan(sized_block(page)).first(4));
  covered.insert(covered.end(), page.begin(), page.end());
  Crc64 expected;
  expected.update(covered);
  CHECK(decoded->checksum == expected);

  PageFrameWriter writer(PageSize{1024});
  Crc64 written;
  const auto ours = decode(writer.encode(Pgno{5}, page, written), 1024);
  REQUIRE(ours.has_value());
  CHECK(ours->checksum == written);
}

TEST_CASE("LZ4 frames with any options are decoded, unless they need a dictionary") {
  const ByteVector page = text_page(65536);
  for (const auto block_size : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max4MB}) {
    for (const auto mode : {LZ4F_blockLinked, LZ4F_blockIndependent}) {
      for (const unsigned long long content_size : {0ULL, 65536ULL}) {
        for (const bool sums : {false, true}) {
          LZ4F_preferences_t preferences{};
          preferences.frameInfo.blockSizeID = block_size;
          preferences.frameInfo.blockMode = mode;
          preferences.frameInfo.contentSize = content_size;
          preferences.frameInfo.blockChecksumFlag =
              sums ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
          preferences.frameInfo.contentChecksumFlag =
              sums ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
          const auto decoded = decode(with_page_header(2, 0, lz4_frame(page, preferences)), 65536);
          REQUIRE(decoded.has_value());
          CHECK(decoded->page == page);
        }
      }
    }
  }
  LZ4F_preferences_t dictionary{};
  dictionary.frameInfo.dictID = 77;
  CHECK_FALSE(decode(with_page_header(2, 0, lz4_frame(page, dictionary)), 65536).has_value());
}

TEST_CASE("more or less than one page of data is corrupt in both encodings") {
  for (const std::size_t length : {0UL, 1UL, 1023UL, 1025UL, 2048UL}) {
    CAPTURE(length);
    const ByteVector content = text_page(length);
    const auto frame = decode(with_page_header(4, 0, lz4_frame(content, {})), 1024);
    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().code == Code::Corrupt);
    if (length == 0) continue;
    const auto block = decode(with_page_header(4, 1, sized_block(content)), 1024);
    REQUIRE_FALSE(block.has_value());
    CHECK(block.error().code == Code::Corrupt);
  }
}

TEST_CASE("a page frame that is cut off, or has bytes behind it, is corrupt") {
  const ByteVector page = text_page(512);
  PageFrameWriter writer(PageSize{512});
  Crc64 unused;
  const ByteSpan written = writer.encode(Pgno{1}, page, unused);
  const ByteVector ours(written.begin(), written.end());
  for (const ByteVector& frame : {ours, with_page_header(1, 1, sized_block(page))}) {
    for (std::size_t length = 0; length < frame.size(); ++length) {
      CAPTURE(length);
      CHECK_FALSE(measure_page_frame(ByteSpan(frame).first(length), PageSize{512}).has_value());
      ByteVector out(512);
      CHECK_FALSE(decode_page_frame(ByteSpan(frame).first(length), out, unused).has_value());
    }
    ByteVector longer = frame;
    longer.push_back(std::byte{0});
    ByteVector out(512);
    CHECK_FALSE(decode_page_frame(longer, out, unused).has_value());
  }
}

TEST_CASE("a flipped bit in a frame is detected or changes nothing but the page number") {
  const ByteVector page = text_page(512);
  PageFrameWriter writer(PageSize{512});
  Crc64 unused;
  const ByteSpan frame = writer.encode(Pgno{0x01010101}, page, unused);
  for (std::size_t bit = 4 * 8; bit < frame.size() * 8; ++bit) {
    ByteVector bad(frame.begin(), frame.end());
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto decoded = decode(bad, 512);
    CAPTURE(bit);
    if (decoded.has_value()) CHECK(decoded->page == page);
  }
}

TEST_CASE("page headers that no version 3 file has are refused") {
  const ByteVector body = sized_block(text_page(512));
  for (const auto& [pgno, flags, code] : {std::tuple{0U, 1U, Code::Corrupt},
                                          {1U, 2U, Code::Corrupt},
                                          {1U, 0x8001U, Code::Corrupt},
                                          {1U, 0x0422U, Code::Unsupported}}) {
    const auto frame = with_page_header(pgno, static_cast<std::uint16_t>(flags), body);
    const auto decoded = decode(frame, 512);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == code);
  }
}

TEST_CASE("a size field larger than one page can need is refused before it is used") {
  for (const std::uint32_t size : {0U, 531U, 0x7fffffffU, 0xffffffffU}) {
    CAPTURE(size);
    ByteVector body(4 + std::min<std::size_t>(size, 2000));
    store_be32(body, size);
    CHECK_FALSE(decode(with_page_header(1, 1, body), 512).has_value());
  }
}

TEST_CASE("page checksums match the format's examples") {
  CHECK(page_checksum(Pgno{1}, ByteVector(512)) == 0xefb1f44fecd99000);
  CHECK(page_checksum(Pgno{2}, ByteVector(512)) == 0xef63e89fecd99000);
  CHECK(page_checksum(Pgno{1}, ByteVector(4096)) == 0xd9328f592d9e733d);
  CHECK(page_checksum(Pgno{3}, counting_page(4096)) == 0x8164d21ae4f4efa9);
}

}  // namespace
}  // namespace walwrap::ltx
