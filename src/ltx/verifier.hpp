// Decodes an LTX file again while it is written, so that no file is published that a restore could
// not read. Pure; bounded memory (that of a Decoder).
//
// It stands between an Encoder and the destination of its bytes. It proves that the file is
// well-formed, has exactly the pages it should have, and that they decode to the given bytes: the
// file checksum is taken of the pages before they are compressed.
#pragma once

#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/decoder.hpp"
#include "walwrap/ltx/format.hpp"

namespace walwrap::ltx {

class Verifier {
 public:
  // Borrows `pages`: those that the file should hold.
  Verifier(const Header& header, const PageSet& pages);
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // The next bytes of the file; the first time at least its header. Corrupt: they do not belong to
  // the requested file.
  Result<void> feed(ByteSpan bytes);
  // After all bytes. Corrupt as above, or something is missing.
  Result<void> finish();

 private:
  Result<void> start();
  Result<void> take_pages();
  Header header_;
  const PageSet& pages_;
  ByteSpan input_;  // what the decoder has not asked for yet
  bool at_end_ = false;
  std::optional<Decoder> decoder_;
  ByteVector page_;
  std::size_t seen_ = 0;
};

}  // namespace walwrap::ltx
