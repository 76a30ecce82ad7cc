// The bytes of a SQLite WAL file. Pure.
//
// Source: sqlite.org/fileformat2.html, "The Write-Ahead Log". Offsets are bytes from the start of
// the -wal file; frames are counted from 1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::wal {

inline constexpr Bytes kHeaderBytes = 32;
inline constexpr Bytes kFrameHeaderBytes = 24;

// New each time the WAL restarts; frames of another generation carry other salts.
struct Salts {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const Salts&) const = default;
};

// The running checksum: each frame's continues the one before it.
struct Checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const Checksum&) const = default;
};

// Checksums are computed over 32-bit words in this order, chosen by the header's magic.
enum class WordOrder { Little, Big };

// Continues `start` over `bytes`, whose length is a multiple of 8.
Checksum checksum(WordOrder order, Checksum start, ByteSpan bytes);

struct Header {
  WordOrder order = WordOrder::Little;
  PageSize page_size;
  std::uint32_t checkpoint_sequence = 0;
  Salts salts;
  Checksum checksum;  // where the frames' checksums begin
};

// nullopt: fails its checksum or magic, so SQLite has not finished writing it. Errors:
// Unsupported (version), Corrupt (a page size that cannot be, under a valid checksum).
Result<std::optional<Header>> parse_header(ByteSpan bytes);
std::array<std::byte, kHeaderBytes> format_header(const Header& header);

struct FrameHeader {
  Pgno pgno;
  std::uint32_t commit = 0;  // database size in pages after the commit; 0: no commit frame
  Salts salts;
  Checksum checksum;
};
FrameHeader parse_frame_header(ByteSpan bytes);
std::array<std::byte, kFrameHeaderBytes> format_frame_header(const FrameHeader& header);

inline Bytes frame_bytes(PageSize size) {
  return kFrameHeaderBytes + size.value;
}
// Where frame `number` (from 1) begins.
inline Bytes frame_offset(std::uint32_t number, PageSize size) {
  return kHeaderBytes + (Bytes{number} - 1) * frame_bytes(size);
}

}  // namespace walwrap::wal
