#include "walwrap/ltx/capacity.hpp"

#include "walwrap/ltx/page_frame.hpp"

namespace walwrap::ltx {

std::uint64_t most_pages_in(Bytes file_bytes, PageSize size) {
  constexpr Bytes kMostOfOneByte = 255;
  constexpr Bytes kBlockSizeBytes = 4;
  constexpr Bytes kSmallestIndexEntry = 3;  // three numbers of a byte each
  return file_bytes /
         (kPageHeaderBytes + kBlockSizeBytes + size.value / kMostOfOneByte + kSmallestIndexEntry);
}

}  // namespace walwrap::ltx
