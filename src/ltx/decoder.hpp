// Reads one LTX file from its beginning to its end: bytes in, pages out, every rule checked. Pure;
// bounded memory.
//
// For parallel decoding of a large file see IndexParser and decode_page_frame in format.hpp; this
// is the sequential way.
#pragma once

#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"

namespace walwrap::ltx {

class Decoder {
 public:
  // Reads and checks the header.
  static Result<Decoder> start(ReadFn source);
  const Header& header() const { return header_; }

  // The next page into `page` (page_size bytes). nullopt after the last one, when everything after
  // the pages was read and agreed: index, trailer, checksum, end of file. After an error of the
  // source, and only then, it may be called again and continues where it stopped.
  Result<std::optional<Pgno>> next_page(MutableByteSpan page);
  // After nullopt.
  const Trailer& trailer() const { return trailer_; }

 private:
  explicit Decoder(ReadFn source);
  ByteSpan unread() const { return ByteSpan(buffer_).subspan(begin_, end_ - begin_); }
  Result<void> fill(std::size_t want);  // unread() has at least this much, or all there is
  Result<ByteVector> take(std::size_t bytes);
  Result<void> end_frames();
  Result<void> finish();
  Result<void> take_index();

  ReadFn source_;
  ByteVector buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Header header_;
  Trailer trailer_;
  PageOrder order_{Header()};
  Crc64 checksum_;
  Crc64 expected_index_;                             // what the index must be, as its checksum
  Crc64 index_;                                      // what has been read of it
  Bytes offset_ = kHeaderBytes;                      // of the next page frame
  std::uint64_t database_checksum_ = kChecksumFlag;  // only of full images that have one
  bool frames_ended_ = false;
  bool finished_ = false;
};

}  // namespace walwrap::ltx
