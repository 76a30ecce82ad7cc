#include "walwrap/ltx/page_frame.hpp"

#include <lz4.h>
#include <lz4frame.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <memory>

namespace walwrap::ltx {
namespace {

constexpr std::uint16_t kSizedBlock = 0x0001;       // page flag of encoding B
constexpr std::uint16_t kVersion2Flags = 0x0422;    // where version 2 has an LZ4 frame's magic
constexpr std::uint32_t kLz4Magic = 0x184d2204;     // little-endian
constexpr std::uint32_t kStoredBlock = 0x80000000;  // in an LZ4 block's size: not compressed
constexpr std::size_t kSizeBytes = 4;               // of a block or its checksum
constexpr std::size_t kFrameTailBytes = 8;          // end mark, content checksum
constexpr Bytes kOtherFramesOverhead = 64;          // of LZ4 frames with other options than ours

// Version 1, independent blocks of at most 64 KiB, checksum of the content, and the checksum of
// these. litestream v0.5.16 and later relies on the content checksum to find the frame's end.
constexpr std::array kLz4Header = {std::byte{0x04}, std::byte{0x22}, std::byte{0x4d},
                                   std::byte{0x18}, std::byte{0x64}, std::byte{0x40},
                                   std::byte{0xa7}};
constexpr std::size_t kBlockAt = kPageHeaderBytes + kLz4Header.size() + kSizeBytes;

Bytes largest_block(std::size_t page_size) {
  return page_size + page_size / 255 + 16;  // LZ4's bound for a page that does not compress
}

const char* chars(const std::byte* bytes) {
  return reinterpret_cast<const char*>(bytes);
}
char* chars(std::byte* bytes) {
  return reinterpret_cast<char*>(bytes);
}

struct PageHeader {
  Pgno pgno;
  std::uint16_t flags = 0;
};

Result<PageHeader> parse_page_header(ByteSpan bytes) {
  if (bytes.size() < kPageHeaderBytes + kSizeBytes) return fail(Code::Corrupt, "page cut off");
  const PageHeader header{Pgno{load_be32(bytes)}, load_be16(bytes.subspan(4))};
  if (header.pgno == Pgno{0}) return fail(Code::Corrupt, "page number 0 with data");
  if (header.flags == kVersion2Flags) {
    return fail(Code::Unsupported, "LTX format version 2, of a litestream test release");
  }
  if ((header.flags & ~kSizedBlock) != 0) {
    return fail(Code::Corrupt, "page {}: unknown flags {:#06x}", header.pgno, header.flags);
  }
  return header;
}

// Length of the LZ4 frame that `bytes` begins with; nullopt if it does not end within them. Only
// what decides lengths is looked at: decoding checks the rest.
std::optional<std::size_t> measure_lz4_frame(ByteSpan bytes) {
  if (bytes.size() < kLz4Header.size() || load_le32(bytes) != kLz4Magic) return std::nullopt;
  const auto flags = std::to_integer<unsigned>(bytes[4]);
  const bool has_block_checksums = (flags & 0x10) != 0;
  const bool has_content_size = (flags & 0x08) != 0;
  const bool has_content_checksum = (flags & 0x04) != 0;
  const bool has_dictionary = (flags & 0x01) != 0;
  std::size_t at = 7;
  if (has_content_size) at += 8;
  if (has_dictionary) at += 4;
  while (at + kSizeBytes <= bytes.size()) {
    const std::uint32_t block = load_le32(bytes.subspan(at)) & ~kStoredBlock;
    at += kSizeBytes;
    if (block == 0) {
      if (has_content_checksum) at += kSizeBytes;
      return at <= bytes.size() ? std::optional(at) : std::nullopt;
    }
    at += block;
    if (has_block_checksums) at += kSizeBytes;
  }
  return std::nullopt;
}

bool decompress_block(ByteSpan block, MutableByteSpan page) {
  const int length =
      LZ4_decompress_safe(chars(block.data()), chars(page.data()), static_cast<int>(block.size()),
                          static_cast<int>(page.size()));
  return length >= 0 && static_cast<std::size_t>(length) == page.size();
}

// A frame as litestream and walwrap write it: one block. False: another form, or damaged.
bool decode_usual_frame(ByteSpan frame, MutableByteSpan page) {
  if (frame.size() < kBlockAt + kFrameTailBytes) return false;
  if (!std::ranges::equal(frame.subspan(kPageHeaderBytes, kLz4Header.size()), kLz4Header)) {
    return false;
  }
  const std::uint32_t size_field = load_le32(frame.subspan(kBlockAt - kSizeBytes));
  const ByteSpan block = frame.subspan(kBlockAt, frame.size() - kBlockAt - kFrameTailBytes);
  const ByteSpan tail = frame.last(kFrameTailBytes);
  if ((size_field & ~kStoredBlock) != block.size() || load_le32(tail) != 0) return false;
  if ((size_field & kStoredBlock) != 0) {
    if (block.size() != page.size()) return false;
    std::ranges::copy(block, page.begin());
  } else if (!decompress_block(block, page)) {
    return false;
  }
  return XXH32(page.data(), page.size(), 0) == load_le32(tail.subspan(4));
}

// Any other LZ4 frame, by the library, which checks its checksums.
bool decode_other_frame(ByteSpan lz4, MutableByteSpan page) {
  // A frame of another kind (skippable) yields nothing; one with a dictionary has none to use.
  if (lz4.size() < kLz4Header.size() || load_le32(lz4) != kLz4Magic) return false;
  if ((std::to_integer<unsigned>(lz4[4]) & 0x01) != 0) return false;
  LZ4F_dctx* created = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&created, LZ4F_VERSION)) != 0) return false;
  const std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context(
      created, &LZ4F_freeDecompressionContext);
  std::size_t in = 0;
  std::size_t out = 0;
  for (;;) {
    std::size_t source_bytes = lz4.size() - in;
    std::size_t page_bytes = page.size() - out;
    const std::size_t hint = LZ4F_decompress(context.get(), page.data() + out, &page_bytes,
                                             lz4.data() + in, &source_bytes, nullptr);
    in += source_bytes;
    out += page_bytes;
    if (LZ4F_isError(hint) != 0) return false;
    if (hint == 0) return in == lz4.size() && out == page.size();
    if (source_bytes == 0 && page_bytes == 0) return false;  // cut off, or more than a page
  }
}

}  // namespace

Bytes max_page_frame_bytes(PageSize size) {
  return kPageHeaderBytes + kOtherFramesOverhead + largest_block(size.value);
}

Result<std::size_t> measure_page_frame(ByteSpan bytes, PageSize size) {
  const PageHeader header = TRY(parse_page_header(bytes));
  const Bytes limit = std::min<Bytes>(bytes.size(), max_page_frame_bytes(size));
  const ByteSpan body = bytes.first(limit).subspan(kPageHeaderBytes);
  std::optional<std::size_t> length;
  if (header.flags == kSizedBlock) {
    const std::size_t sized = kSizeBytes + load_be32(body);
    if (sized <= body.size()) length = sized;
  } else {
    length = measure_lz4_frame(body);
  }
  if (!length) return fail(Code::Corrupt, "page {}: no end of its data", header.pgno);
  return kPageHeaderBytes + *length;
}

Result<Pgno> decode_page_frame(ByteSpan frame, MutableByteSpan page, Crc64& checksum) {
  const PageHeader header = TRY(parse_page_header(frame));
  std::size_t head = kPageHeaderBytes;
  bool good = false;
  if (header.flags == kSizedBlock) {
    head += kSizeBytes;
    const std::size_t size = load_be32(frame.subspan(kPageHeaderBytes));
    good = size == frame.size() - head && size >= 1 && size <= largest_block(page.size()) &&
           decompress_block(frame.subspan(head), page);
  } else {
    good = decode_usual_frame(frame, page) || decode_other_frame(frame.subspan(head), page);
  }
  if (!good) return fail(Code::Corrupt, "page {}: does not decompress to one page", header.pgno);
  checksum.update(frame.first(head));
  checksum.update(page);
  return header.pgno;
}

PageFrameWriter::PageFrameWriter(PageSize size)
    : compressor_(static_cast<std::size_t>(LZ4_sizeofState())),
      frame_(kBlockAt + size.value + kFrameTailBytes) {
  std::ranges::copy(kLz4Header, frame_.begin() + kPageHeaderBytes);
}

ByteSpan PageFrameWriter::encode(Pgno pgno, ByteSpan page, Crc64& checksum) {
  const MutableByteSpan out(frame_);
  WW_CHECK(page.size() + kBlockAt + kFrameTailBytes == out.size());
  store_be32(out, pgno.value);
  store_be16(out.subspan(4), 0);
  // One byte less than the page: what is not smaller is stored as it is, which readers demand of
  // 65536-byte pages, since a block may not exceed 64 KiB.
  const int page_bytes = static_cast<int>(page.size());
  const int shrunk =
      LZ4_compress_fast_extState(compressor_.data(), chars(page.data()),
                                 chars(out.data() + kBlockAt), page_bytes, page_bytes - 1, 1);
  const std::size_t block = shrunk > 0 ? static_cast<std::size_t>(shrunk) : page.size();
  if (shrunk <= 0) std::ranges::copy(page, out.begin() + kBlockAt);
  const auto size_field = static_cast<std::uint32_t>(block) | (shrunk > 0 ? 0 : kStoredBlock);
  store_le32(out.subspan(kBlockAt - kSizeBytes), size_field);
  store_le32(out.subspan(kBlockAt + block), 0);
  store_le32(out.subspan(kBlockAt + block + 4), XXH32(page.data(), page.size(), 0));
  checksum.update(out.first(kPageHeaderBytes));
  checksum.update(page);
  return out.first(kBlockAt + block + kFrameTailBytes);
}

std::uint64_t page_checksum(Pgno pgno, ByteSpan page) {
  std::array<std::byte, 4> number;
  store_be32(number, pgno.value);
  Crc64 checksum;
  checksum.update(number);
  checksum.update(page);
  return checksum.value() | kChecksumFlag;
}

}  // namespace walwrap::ltx
