// Whatever a file holds, the decoder ends, keeps its bounds, and never gives an impossible page.
#include <algorithm>
#include <cstdlib>

#include "walwrap/ltx/decoder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto left = std::as_bytes(std::span(data, size));
  auto decoder = walwrap::ltx::Decoder::start([&](auto out) -> walwrap::Result<std::size_t> {
    const std::size_t length = std::min({left.size(), out.size(), std::size_t{777}});
    std::copy_n(left.begin(), length, out.begin());
    left = left.subspan(length);
    return length;
  });
  if (!decoder) return 0;
  walwrap::ByteVector page(decoder->header().page_size.value);
  for (auto pgno = decoder->next_page(page); pgno && *pgno; pgno = decoder->next_page(page)) {
    if ((*pgno)->value == 0 || (*pgno)->value > decoder->header().commit) std::abort();
  }
  return 0;
}
