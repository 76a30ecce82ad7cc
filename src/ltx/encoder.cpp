#include "walwrap/ltx/encoder.hpp"

#include <utility>

namespace walwrap::ltx {
namespace {

constexpr std::array<std::byte, kPageHeaderBytes> kEndMarker{};
constexpr std::size_t kIndexPieceBytes = 16 << 10;

void append_varint(ByteVector& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

std::uint64_t take_varint(ByteSpan& bytes) {
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (;;) {
    const auto byte = std::to_integer<std::uint64_t>(bytes.front());
    bytes = bytes.subspan(1);
    value |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte < 0x80) return value;
  }
}

}  // namespace

Result<Encoder> Encoder::start(const Header& header, WriteFn sink) {
  const auto bytes = format_header(header);
  if (const auto readable = parse_header(bytes); !readable) {
    return fail(Code::Invalid, "{}", readable.error().text);
  }
  if (header.commit == 0) return fail(Code::Invalid, "LTX header: a database of no pages");
  if ((header.flags & kFlagNoChecksum) == 0) {
    return fail(Code::Invalid, "LTX header: database checksums, which litestream cannot restore");
  }
  Encoder encoder(header, std::move(sink));
  TRY(encoder.put_checked(bytes));
  return encoder;
}

Encoder::Encoder(const Header& header, WriteFn sink)
    : header_(header), sink_(std::move(sink)), frames_(header.page_size) {}

Result<void> Encoder::put(ByteSpan bytes) {
  written_ += bytes.size();
  return sink_(bytes);
}

Result<void> Encoder::put_checked(ByteSpan bytes) {
  checksum_.update(bytes);
  return put(bytes);
}

Result<void> Encoder::add_page(Pgno pgno, ByteSpan page) {
  WW_CHECK(pgno > last_ && pgno.value <= header_.commit);
  WW_CHECK(pgno != lock_page(header_.page_size));  // Law 7
  WW_CHECK(page.size() == header_.page_size.value);
  const ByteSpan frame = frames_.encode(pgno, page, checksum_);
  append_varint(index_, pgno.value - last_.value);
  append_varint(index_, frame.size());
  last_ = pgno;
  ++pages_;
  return put(frame);
}

// The index proper, made of the compact one: a quarter of its size, which is what a snapshot of a
// large database would otherwise keep in memory.
Result<void> Encoder::put_index() {
  const Bytes begin = written_;
  ByteVector piece;
  Bytes offset = kHeaderBytes;
  std::uint64_t pgno = 0;
  for (ByteSpan left = index_; !left.empty();) {
    pgno += take_varint(left);
    const std::uint64_t size = take_varint(left);
    append_varint(piece, pgno);
    append_varint(piece, offset);
    append_varint(piece, size);
    offset += size;
    if (piece.size() < kIndexPieceBytes) continue;
    TRY(put_checked(piece));
    piece.clear();
  }
  append_varint(piece, 0);
  TRY(put_checked(piece));
  std::array<std::byte, 8> size;
  store_be64(size, written_ - begin);
  return put_checked(size);
}

Result<Encoder::Finished> Encoder::finish() {
  if (header_.txids.first == Txid{1} &&
      pages_ != full_image_pages(header_.commit, header_.page_size)) {
    return fail(Code::Invalid, "LTX file from TXID 1 holds {} pages of a database of {}", pages_,
                header_.commit);
  }
  TRY(put_checked(kEndMarker));
  TRY(put_index());
  // The file checksum covers the trailer's first half, and is its second.
  const auto unsealed = format_trailer({});
  checksum_.update(ByteSpan(unsealed).first(8));
  const Trailer trailer{0, checksum_.value() | kChecksumFlag};
  TRY(put(format_trailer(trailer)));
  return Finished{trailer.file_checksum, written_, pages_};
}

}  // namespace walwrap::ltx
