// Decodes an LTX file again while it is being written, so that nothing is published that a restore
// could not read. Pure; bounded memory (that of a Decoder).
//
// Stands between an Encoder and where its bytes go. What it proves: the file is well-formed, holds
// exactly the pages it should, and, by the file checksum, which is taken of the pages before they
// are compressed, that they come back as they were given.
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

  // The next bytes of the file; the first time at least its header. Corrupt: they are no part of
  // the file that was asked for.
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
