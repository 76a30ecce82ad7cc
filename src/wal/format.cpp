#include "walwrap/wal/format.hpp"

#include <bit>
#include <cstring>

namespace walwrap::wal {
namespace {

constexpr std::uint32_t kMagicLittle = 0x377f0682;
constexpr std::uint32_t kMagicBig = 0x377f0683;
constexpr std::uint32_t kVersion = 3007000;
constexpr std::size_t kChecksummedHeaderBytes = 24;

constexpr std::uint32_t swap_bytes(std::uint32_t word) {
  return (word >> 24) | ((word >> 8) & 0xff00) | ((word << 8) & 0xff0000) | (word << 24);
}

// The whole cost of scanning a WAL is this loop. `kSwap` is a parameter of the compilation so that
// the usual case, words in the machine's own order, carries no test and no swap.
template <bool kSwap>
Checksum sum_words(Checksum sum, ByteSpan bytes) {
  const std::byte* at = bytes.data();
  for (std::size_t left = bytes.size(); left > 0; left -= 8, at += 8) {
    std::uint32_t words[2];
    std::memcpy(words, at, sizeof(words));
    sum.first += (kSwap ? swap_bytes(words[0]) : words[0]) + sum.second;
    sum.second += (kSwap ? swap_bytes(words[1]) : words[1]) + sum.first;
  }
  return sum;
}

}  // namespace

Checksum checksum(WordOrder order, Checksum start, ByteSpan bytes) {
  WW_CHECK(bytes.size() % 8 == 0);
  const bool little_machine = std::endian::native == std::endian::little;
  const bool native = (order == WordOrder::Little) == little_machine;
  return native ? sum_words<false>(start, bytes) : sum_words<true>(start, bytes);
}

Result<std::optional<Header>> parse_header(ByteSpan bytes) {
  if (bytes.size() < kHeaderBytes) return std::optional<Header>();
  const std::uint32_t magic = load_be32(bytes);
  if (magic != kMagicLittle && magic != kMagicBig) return std::optional<Header>();
  Header header;
  header.order = magic == kMagicBig ? WordOrder::Big : WordOrder::Little;
  header.checksum = {load_be32(bytes.subspan(24)), load_be32(bytes.subspan(28))};
  if (checksum(header.order, {}, bytes.first(kChecksummedHeaderBytes)) != header.checksum) {
    return std::optional<Header>();
  }
  const std::uint32_t version = load_be32(bytes.subspan(4));
  if (version != kVersion) return fail(Code::Unsupported, "WAL version {}", version);
  header.page_size = PageSize{load_be32(bytes.subspan(8))};
  if (!PageSize::is_valid(header.page_size.value)) {
    return fail(Code::Corrupt, "WAL with page size {}", header.page_size);
  }
  header.checkpoint_sequence = load_be32(bytes.subspan(12));
  header.salts = {load_be32(bytes.subspan(16)), load_be32(bytes.subspan(20))};
  return std::optional<Header>(header);
}

std::array<std::byte, kHeaderBytes> format_header(const Header& header) {
  std::array<std::byte, kHeaderBytes> bytes;
  const MutableByteSpan out(bytes);
  store_be32(out, header.order == WordOrder::Big ? kMagicBig : kMagicLittle);
  store_be32(out.subspan(4), kVersion);
  store_be32(out.subspan(8), header.page_size.value);
  store_be32(out.subspan(12), header.checkpoint_sequence);
  store_be32(out.subspan(16), header.salts.first);
  store_be32(out.subspan(20), header.salts.second);
  store_be32(out.subspan(24), header.checksum.first);
  store_be32(out.subspan(28), header.checksum.second);
  return bytes;
}

FrameHeader parse_frame_header(ByteSpan bytes) {
  return {Pgno{load_be32(bytes)},
          load_be32(bytes.subspan(4)),
          {load_be32(bytes.subspan(8)), load_be32(bytes.subspan(12))},
          {load_be32(bytes.subspan(16)), load_be32(bytes.subspan(20))}};
}

std::array<std::byte, kFrameHeaderBytes> format_frame_header(const FrameHeader& header) {
  std::array<std::byte, kFrameHeaderBytes> bytes;
  const MutableByteSpan out(bytes);
  store_be32(out, header.pgno.value);
  store_be32(out.subspan(4), header.commit);
  store_be32(out.subspan(8), header.salts.first);
  store_be32(out.subspan(12), header.salts.second);
  store_be32(out.subspan(16), header.checksum.first);
  store_be32(out.subspan(20), header.checksum.second);
  return bytes;
}

}  // namespace walwrap::wal
