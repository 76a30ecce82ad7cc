// The parts of an LTX file, version 3: header, page index, trailer, and the order of pages. Pure.
// The page frames are in page_frame.hpp, the checksum in crc64.hpp.
//
// An LTX file holds pages of a database as of a TXID: 100-byte header, page frames in ascending
// page order, an end marker, an index of the frames, a trailer. Integers are big-endian. The file
// checksum covers everything but the compressed bytes, for which it takes the pages themselves.
// Source: litestream v0.5 and its ltx library; docs/formats.md restates it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/crc64.hpp"

namespace walwrap::ltx {

inline constexpr Bytes kHeaderBytes = 100;
inline constexpr Bytes kReservedBytes = 20;  // the last of the header
inline constexpr Bytes kTrailerBytes = 16;
inline constexpr Bytes kSmallestFileBytes = 131;
inline constexpr std::uint32_t kFlagNoChecksum = 0x2;

// Where in the source's WAL the pages came from. ltx_wal_position in docs/formats.md says how a
// litestream that continues the replica uses it.
struct WalOrigin {
  std::int64_t offset = 0;
  std::int64_t size = 0;
  std::uint32_t salt1 = 0;
  std::uint32_t salt2 = 0;
  bool operator==(const WalOrigin&) const = default;
};

struct Header {
  std::uint32_t flags = kFlagNoChecksum;
  PageSize page_size;
  std::uint32_t commit = 0;  // database size in pages after this file
  TxidRange txids;
  WallTime timestamp;
  std::uint64_t pre_apply_checksum = 0;
  WalOrigin wal;
  RandomId node;  // the writer
  // Free for the writer: other readers ignore what is in here, the file checksum covers it.
  std::array<std::byte, kReservedBytes> reserved{};
  bool operator==(const Header&) const = default;
};

// Corrupt: a rule of the header is broken. Unsupported: another version of the format.
Result<Header> parse_header(ByteSpan bytes);
std::array<std::byte, kHeaderBytes> format_header(const Header& header);

struct Trailer {
  std::uint64_t post_apply_checksum = 0;
  std::uint64_t file_checksum = 0;
  bool operator==(const Trailer&) const = default;
};
Result<Trailer> parse_trailer(ByteSpan last_bytes, const Header& header);
std::array<std::byte, kTrailerBytes> format_trailer(const Trailer& trailer);

// One page frame's place in the file.
struct IndexEntry {
  Pgno pgno;
  Bytes offset = 0;
  Bytes size = 0;
  bool operator==(const IndexEntry&) const = default;
};

// The pages that a full image of `commit` pages has: all except the lock page.
std::uint32_t full_image_pages(std::uint32_t commit, PageSize page_size);

// The rules on which pages a file may hold: ascending, within commit, never the lock page (Law 7),
// and every page if the file begins at TXID 1.
class PageOrder {
 public:
  explicit PageOrder(const Header& header);
  Result<void> add(Pgno pgno);  // Corrupt: this page may not come next
  Result<void> finish() const;  // Corrupt: pages are missing at the end

 private:
  Pgno following() const;
  PageSize page_size_;
  std::uint32_t commit_ = 0;
  bool must_be_complete_ = false;
  Pgno last_{0};
};

// Takes index bytes in any pieces and gives the entries; checks order, adjacency (frames touch
// each other, the first at byte 100) and limits. Bounded memory.
class IndexParser {
 public:
  explicit IndexParser(const Header& header);
  // Appends to `entries`. Corrupt as soon as a rule is broken.
  Result<void> feed(ByteSpan bytes, std::vector<IndexEntry>& entries);
  bool ended() const { return ended_; }              // the terminating zero was seen
  Bytes frames_end() const { return next_offset_; }  // where the end marker must be

 private:
  Result<void> take_number(std::vector<IndexEntry>& entries);
  PageOrder order_;
  Bytes largest_frame_;
  Bytes next_offset_ = kHeaderBytes;
  std::uint64_t varint_ = 0;
  unsigned shift_ = 0;
  unsigned field_ = 0;  // of entry_: 0 pgno, 1 offset, 2 size
  IndexEntry entry_;
  bool ended_ = false;
};

}  // namespace walwrap::ltx
