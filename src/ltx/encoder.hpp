// Writes one LTX file: pages in, in ascending order, bytes out. Pure; bounded memory (the page
// index: a few bytes a page).
//
// Each page is an LZ4 frame ("encoding F", which every litestream v0.5 reads), or stored
// uncompressed if LZ4 does not make it smaller. The same header and pages always give the same
// bytes.
#pragma once

#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/ltx/page_frame.hpp"

namespace walwrap::ltx {

class Encoder {
 public:
  // Writes the header. Invalid: a header that no reader would accept, or commit 0.
  static Result<Encoder> start(const Header& header, WriteFn sink);

  // Checked: ascending, within commit, never the lock page, exactly one page of bytes.
  Result<void> add_page(Pgno pgno, ByteSpan page);

  struct Finished {
    std::uint64_t file_checksum = 0;
    Bytes size = 0;
    std::uint64_t pages = 0;
  };
  // End marker, index, trailer. Invalid: the file begins at TXID 1 and lacks a page.
  Result<Finished> finish();

 private:
  Encoder(const Header& header, WriteFn sink);
  Result<void> put(ByteSpan bytes);
  Result<void> put_checked(ByteSpan bytes);  // and adds to the file checksum
  Result<void> put_index();
  Header header_;
  WriteFn sink_;
  Crc64 checksum_;
  Bytes written_ = 0;
  std::uint64_t pages_ = 0;
  Pgno last_{0};
  PageFrameWriter frames_;
  ByteVector index_;  // per page two varints: step from the page before, size of the frame
};

}  // namespace walwrap::ltx
