// One page in an LTX file: page header, then the page compressed, in one of two encodings. Pure.
//
// "F", which walwrap writes: an LZ4 frame. "B", which litestream writes since v0.5.16: a size and a
// bare LZ4 block. Readers accept both. Source: litestream v0.5 and its ltx library; docs/formats.md
// restates it.
#pragma once

#include <cstdint>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/crc64.hpp"

namespace walwrap::ltx {

inline constexpr Bytes kPageHeaderBytes = 6;

// Largest page frame: header, size field, an incompressible page in either encoding.
Bytes max_page_frame_bytes(PageSize size);

// Length of the page frame that `bytes` begins with, found by walking it. Corrupt: it does not end
// within `bytes`, or is longer than any page frame can be.
Result<std::size_t> measure_page_frame(ByteSpan bytes, PageSize size);

// Decodes one complete page frame, as its index entry delimits it, into `page` (exactly page_size
// bytes). Adds its part of the file checksum to `checksum`. Both encodings. Corrupt on anything
// that is not exactly one page.
Result<Pgno> decode_page_frame(ByteSpan frame, MutableByteSpan page, Crc64& checksum);

// Compresses pages to frames of encoding F; keeps the compressor's working memory between them.
class PageFrameWriter {
 public:
  explicit PageFrameWriter(PageSize size);
  // The whole page frame; valid until the next call. Adds to `checksum` as above.
  ByteSpan encode(Pgno pgno, ByteSpan page, Crc64& checksum);

 private:
  ByteVector compressor_;
  ByteVector frame_;
};

// One page's part in the checksum of a database: XOR of them all, never the lock page's. Only in
// files that carry database checksums, which litestream's do not.
std::uint64_t page_checksum(Pgno pgno, ByteSpan page);

}  // namespace walwrap::ltx
