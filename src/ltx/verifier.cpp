#include "walwrap/ltx/verifier.hpp"

#include <algorithm>
#include <utility>

namespace walwrap::ltx {

Verifier::Verifier(const Header& header, const PageSet& pages)
    : header_(header), pages_(pages), page_(header.page_size.value) {}

Result<void> Verifier::start() {
  // Busy stands for "more is to come", which is no answer of the decoder's own.
  auto decoder = TRY(Decoder::start([this](MutableByteSpan buffer) -> Result<std::size_t> {
    if (input_.empty() && !at_end_) return fail(Code::Busy, "more to come");
    const std::size_t taken = std::min(buffer.size(), input_.size());
    std::copy_n(input_.begin(), taken, buffer.begin());
    input_ = input_.subspan(taken);
    return taken;
  }));
  if (decoder.header() != header_)
    return fail(Code::Corrupt, "the LTX header differs from the given one");
  decoder_ = std::move(decoder);
  return {};
}

Result<void> Verifier::feed(ByteSpan bytes) {
  input_ = bytes;
  if (!decoder_) {
    if (bytes.size() < kHeaderBytes) return fail(Code::Corrupt, "LTX header cut off");
    TRY(start());
  }
  return take_pages();
}

// Until the decoder needs more than there is: by then it has taken all of the input.
Result<void> Verifier::take_pages() {
  while (true) {
    const auto pgno = decoder_->next_page(page_);
    if (!pgno) return pgno.error().code == Code::Busy ? Result<void>() : fail(pgno.error());
    if (!*pgno) return {};
    if (!pages_.contains(**pgno)) return fail(Code::Corrupt, "page {} was not requested", **pgno);
    ++seen_;
  }
}

Result<void> Verifier::finish() {
  if (!decoder_) return fail(Code::Corrupt, "LTX file cut off");
  at_end_ = true;
  TRY(take_pages());
  // The decoder has checked that they ascend, so none was counted twice.
  if (seen_ != pages_.size()) {
    return fail(Code::Corrupt, "{} of {} pages are in the LTX file", seen_, pages_.size());
  }
  return {};
}

}  // namespace walwrap::ltx
