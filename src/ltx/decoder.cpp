#include "walwrap/ltx/decoder.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/ltx/page_frame.hpp"

namespace walwrap::ltx {
namespace {

constexpr std::size_t kReadAheadBytes = std::size_t{64} * 1024;
constexpr std::size_t kIndexSizeBytes = 8;

void add_varint(Crc64& checksum, std::uint64_t value) {
  std::array<std::byte, 10> bytes;
  std::size_t length = 0;
  for (; value >= 0x80; value >>= 7) bytes[length++] = static_cast<std::byte>(value | 0x80);
  bytes[length++] = static_cast<std::byte>(value);
  checksum.update(ByteSpan(bytes).first(length));
}

bool carries_full_checksum(const Header& header) {
  return header.txids.first == Txid{1} && (header.flags & kFlagNoChecksum) == 0;
}

}  // namespace

Decoder::Decoder(ReadFn source) : source_(std::move(source)), buffer_(kReadAheadBytes) {}

Result<Decoder> Decoder::start(ReadFn source) {
  Decoder decoder(std::move(source));
  const ByteVector bytes = TRY(decoder.take(kHeaderBytes));
  decoder.header_ = TRY(parse_header(bytes));
  decoder.order_ = PageOrder(decoder.header_);
  decoder.checksum_.update(bytes);
  return decoder;
}

Result<void> Decoder::fill(std::size_t want) {
  if (end_ - begin_ >= want) return {};
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() < want + kReadAheadBytes) buffer_.resize(want + kReadAheadBytes);
  while (end_ < want) {
    const std::size_t got = TRY(source_(MutableByteSpan(buffer_).subspan(end_)));
    if (got == 0) break;
    WW_CHECK(got <= buffer_.size() - end_);
    end_ += got;
  }
  return {};
}

Result<ByteVector> Decoder::take(std::size_t bytes) {
  TRY(fill(bytes));
  if (unread().size() < bytes) return fail(Code::Corrupt, "LTX file cut off");
  const ByteSpan taken = unread().first(bytes);
  begin_ += bytes;
  return ByteVector(taken.begin(), taken.end());
}

Result<std::optional<Pgno>> Decoder::next_page(MutableByteSpan page) {
  WW_CHECK(page.size() == header_.page_size.value);
  if (!frames_ended_) {
    TRY(fill(max_page_frame_bytes(header_.page_size)));
    if (unread().size() < kPageHeaderBytes) return fail(Code::Corrupt, "LTX file cut off");
    const ByteSpan marker = unread().first(kPageHeaderBytes);
    frames_ended_ =
        std::ranges::all_of(marker, [](std::byte byte) { return byte == std::byte{0}; });
    if (frames_ended_) TRY(end_frames());
  }
  if (frames_ended_) {
    if (!finished_) TRY(finish());
    return std::optional<Pgno>();
  }
  const std::size_t length = TRY(measure_page_frame(unread(), header_.page_size));
  const Pgno pgno = TRY(decode_page_frame(unread().first(length), page, checksum_));
  TRY(order_.add(pgno));
  begin_ += length;
  add_varint(expected_index_, pgno.value);
  add_varint(expected_index_, offset_);
  add_varint(expected_index_, length);
  offset_ += length;
  if (carries_full_checksum(header_)) database_checksum_ ^= page_checksum(pgno, page);
  return std::optional(pgno);
}

Result<void> Decoder::end_frames() {
  TRY(order_.finish());
  checksum_.update(unread().first(kPageHeaderBytes));
  begin_ += kPageHeaderBytes;
  add_varint(expected_index_, 0);
  return {};
}

// In steps that a source that fails in between does not undo.
Result<void> Decoder::finish() {
  TRY(take_index());
  // One byte more than there may be, for the end of the file is looked for as well.
  TRY(fill(kIndexSizeBytes + kTrailerBytes + 1));
  const ByteVector last = TRY(take(kIndexSizeBytes + kTrailerBytes));
  if (!unread().empty()) return fail(Code::Corrupt, "bytes after the end of the LTX file");
  if (index_ != expected_index_ || load_be64(last) != index_.length()) {
    return fail(Code::Corrupt, "LTX page index does not match the pages");
  }
  trailer_ = TRY(parse_trailer(ByteSpan(last).last(kTrailerBytes), header_));
  checksum_.update(ByteSpan(last).first(kIndexSizeBytes + 8));
  if (trailer_.file_checksum != (checksum_.value() | kChecksumFlag)) {
    return fail(Code::Corrupt, "LTX file checksum differs");
  }
  if (carries_full_checksum(header_) &&
      trailer_.post_apply_checksum != (database_checksum_ | kChecksumFlag)) {
    return fail(Code::Corrupt, "LTX database checksum differs");
  }
  finished_ = true;
  return {};
}

// Compared by checksum and length, so that nothing has to be kept per page.
Result<void> Decoder::take_index() {
  while (index_.length() < expected_index_.length()) {
    const Bytes left = expected_index_.length() - index_.length();
    const ByteVector piece =
        TRY(take(static_cast<std::size_t>(std::min<Bytes>(left, kReadAheadBytes))));
    index_.update(piece);
    checksum_.update(piece);
  }
  return {};
}

}  // namespace walwrap::ltx
