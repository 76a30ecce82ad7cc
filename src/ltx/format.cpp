#include "walwrap/ltx/format.hpp"

#include <algorithm>

#include "walwrap/ltx/page_frame.hpp"

namespace walwrap::ltx {
namespace {

constexpr std::uint32_t kMagic = 0x4c545831;            // "LTX1"
constexpr std::uint32_t kMagicOfAnyVersion = 0x4c5458;  // "LTX"
constexpr std::uint32_t kFlagVersion1Lz4 = 0x1;
constexpr std::uint32_t kFlagEncrypted = 0x4;
// Far more than a replica can hold, and far from where the numbers would wrap around.
constexpr std::uint64_t kGreatestTxid = (1ULL << 63) - 1;
constexpr std::size_t kReservedAt = kHeaderBytes - kReservedBytes;

bool tracks_database(const Header& header) {
  return (header.flags & kFlagNoChecksum) == 0;
}

// nullptr: nothing wrong.
const char* broken_rule(const Header& header) {
  const WalOrigin& wal = header.wal;
  const std::uint64_t before = header.pre_apply_checksum;
  if ((header.flags & ~kFlagNoChecksum) != 0) return "unknown flags";
  if (!PageSize::is_valid(header.page_size.value)) return "impossible page size";
  if (header.txids.first == Txid{0} || header.txids.last < header.txids.first) {
    return "impossible TXIDs";
  }
  if (header.txids.last.value > kGreatestTxid) return "impossible TXIDs";
  if (wal.offset < 0 || wal.size < 0) return "negative position in the WAL";
  if (wal.offset == 0 && (wal.size != 0 || wal.salt1 != 0 || wal.salt2 != 0)) {
    return "WAL fields without a position";
  }
  if (before == 0) {
    return tracks_database(header) && header.txids.first != Txid{1}
               ? "lacks the checksum of the database before it"
               : nullptr;
  }
  if (header.txids.first == Txid{1}) return "a checksum of the database before the first TXID";
  if (!tracks_database(header)) return "a database checksum without its flag";
  if ((before & kChecksumFlag) == 0) return "malformed checksum of the database before it";
  return nullptr;
}

}  // namespace

Result<Header> parse_header(ByteSpan bytes) {
  if (bytes.size() < kHeaderBytes) return fail(Code::Corrupt, "LTX header cut off");
  const std::uint32_t magic = load_be32(bytes);
  if (magic != kMagic) {
    if (magic >> 8 == kMagicOfAnyVersion) return fail(Code::Unsupported, "unknown LTX format");
    return fail(Code::Corrupt, "not an LTX file");
  }
  Header header;
  header.flags = load_be32(bytes.subspan(4));
  if ((header.flags & kFlagVersion1Lz4) != 0) {
    return fail(Code::Unsupported, "LTX format version 1, of LiteFS or a litestream test release");
  }
  if ((header.flags & kFlagEncrypted) != 0) return fail(Code::Unsupported, "encrypted LTX file");
  header.page_size = PageSize{load_be32(bytes.subspan(8))};
  header.commit = load_be32(bytes.subspan(12));
  header.txids = {Txid{load_be64(bytes.subspan(16))}, Txid{load_be64(bytes.subspan(24))}};
  header.timestamp =
      WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(load_be64(bytes.subspan(32)))));
  header.pre_apply_checksum = load_be64(bytes.subspan(40));
  header.wal.offset = static_cast<std::int64_t>(load_be64(bytes.subspan(48)));
  header.wal.size = static_cast<std::int64_t>(load_be64(bytes.subspan(56)));
  header.wal.salt1 = load_be32(bytes.subspan(64));
  header.wal.salt2 = load_be32(bytes.subspan(68));
  header.node = RandomId{load_be64(bytes.subspan(72))};
  const ByteSpan reserved = bytes.subspan(kReservedAt, kReservedBytes);
  std::copy(reserved.begin(), reserved.end(), header.reserved.begin());
  if (const char* rule = broken_rule(header)) return fail(Code::Corrupt, "LTX header: {}", rule);
  return header;
}

std::array<std::byte, kHeaderBytes> format_header(const Header& header) {
  std::array<std::byte, kHeaderBytes> bytes{};
  const MutableByteSpan out(bytes);
  store_be32(out, kMagic);
  store_be32(out.subspan(4), header.flags);
  store_be32(out.subspan(8), header.page_size.value);
  store_be32(out.subspan(12), header.commit);
  store_be64(out.subspan(16), header.txids.first.value);
  store_be64(out.subspan(24), header.txids.last.value);
  store_be64(out.subspan(32),
             static_cast<std::uint64_t>(header.timestamp.time_since_epoch().count()));
  store_be64(out.subspan(40), header.pre_apply_checksum);
  store_be64(out.subspan(48), static_cast<std::uint64_t>(header.wal.offset));
  store_be64(out.subspan(56), static_cast<std::uint64_t>(header.wal.size));
  store_be32(out.subspan(64), header.wal.salt1);
  store_be32(out.subspan(68), header.wal.salt2);
  store_be64(out.subspan(72), header.node.value);
  static_assert(kReservedAt == 72 + sizeof(std::uint64_t));
  std::copy(header.reserved.begin(), header.reserved.end(), out.begin() + kReservedAt);
  return bytes;
}

Result<Trailer> parse_trailer(ByteSpan last_bytes, const Header& header) {
  if (last_bytes.size() != kTrailerBytes) return fail(Code::Corrupt, "LTX trailer cut off");
  const Trailer trailer{load_be64(last_bytes), load_be64(last_bytes.subspan(8))};
  if ((trailer.file_checksum & kChecksumFlag) == 0) {
    return fail(Code::Corrupt, "LTX trailer: malformed file checksum");
  }
  const std::uint64_t after = trailer.post_apply_checksum;
  const bool good = !tracks_database(header) ? after == 0
                    : header.commit == 0     ? after == kChecksumFlag
                                             : (after & kChecksumFlag) != 0;
  if (!good) return fail(Code::Corrupt, "LTX trailer: malformed database checksum");
  return trailer;
}

std::array<std::byte, kTrailerBytes> format_trailer(const Trailer& trailer) {
  std::array<std::byte, kTrailerBytes> bytes;
  store_be64(bytes, trailer.post_apply_checksum);
  store_be64(MutableByteSpan(bytes).subspan(8), trailer.file_checksum);
  return bytes;
}

std::uint32_t full_image_pages(std::uint32_t commit, PageSize page_size) {
  return commit >= lock_page(page_size).value ? commit - 1 : commit;
}

PageOrder::PageOrder(const Header& header)
    : page_size_(header.page_size),
      commit_(header.commit),
      must_be_complete_(header.txids.first == Txid{1}) {}

Pgno PageOrder::following() const {
  const Pgno next{last_.value + 1};
  return next == lock_page(page_size_) ? Pgno{next.value + 1} : next;
}

Result<void> PageOrder::add(Pgno pgno) {
  if (pgno <= last_) return fail(Code::Corrupt, "page {} after page {}", pgno, last_);
  if (pgno.value > commit_) {
    return fail(Code::Corrupt, "page {} in a database of {} pages", pgno, commit_);
  }
  if (pgno == lock_page(page_size_)) return fail(Code::Corrupt, "holds the lock page {}", pgno);
  if (must_be_complete_ && pgno != following()) {
    return fail(Code::Corrupt, "page {} is missing from the full image", following());
  }
  last_ = pgno;
  return {};
}

Result<void> PageOrder::finish() const {
  const Pgno lock = lock_page(page_size_);
  const Pgno final_page{commit_ == lock.value ? commit_ - 1 : commit_};
  if (must_be_complete_ && last_ < final_page) {
    return fail(Code::Corrupt, "page {} is missing from the full image", following());
  }
  return {};
}

IndexParser::IndexParser(const Header& header)
    : order_(header), largest_frame_(max_page_frame_bytes(header.page_size)) {}

Result<void> IndexParser::feed(ByteSpan bytes, std::vector<IndexEntry>& entries) {
  for (const std::byte byte : bytes) {
    if (ended_) return fail(Code::Corrupt, "page index: bytes after its end");
    const auto bits = std::to_integer<std::uint64_t>(byte);
    const bool is_last = (bits & 0x80) == 0;
    // The tenth byte has room for one bit; a zero last byte is a longer form than the shortest.
    if ((shift_ == 63 && bits > 1) || (shift_ > 0 && bits == 0)) {
      return fail(Code::Corrupt, "page index: malformed number");
    }
    varint_ |= (bits & 0x7f) << shift_;
    shift_ += 7;
    if (!is_last) continue;
    TRY(take_number(entries));
    varint_ = 0;
    shift_ = 0;
  }
  return {};
}

Result<void> IndexParser::take_number(std::vector<IndexEntry>& entries) {
  if (field_ == 0) {
    if (varint_ == 0) {
      ended_ = true;
      return order_.finish();
    }
    if (varint_ > 0xffffffff) return fail(Code::Corrupt, "page index: page {}", varint_);
    entry_.pgno = Pgno{static_cast<std::uint32_t>(varint_)};
    TRY(order_.add(entry_.pgno));
  } else if (field_ == 1) {
    if (varint_ != next_offset_) {
      return fail(Code::Corrupt, "page index: page {} does not follow the page before it",
                  entry_.pgno);
    }
    entry_.offset = varint_;
  } else {
    if (varint_ <= kPageHeaderBytes || varint_ > largest_frame_) {
      return fail(Code::Corrupt, "page index: page {} of {} bytes", entry_.pgno, varint_);
    }
    entry_.size = varint_;
    next_offset_ += varint_;
    entries.push_back(entry_);
  }
  field_ = (field_ + 1) % 3;
  return {};
}

}  // namespace walwrap::ltx
