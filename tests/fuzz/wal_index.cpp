// Whatever a WAL index holds, its header is two equal copies with a valid checksum, or is not read;
// and one that is read is of a WAL that can be.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "walwrap/wal/index.hpp"

namespace {

using namespace walwrap;

constexpr auto kOrder =
    std::endian::native == std::endian::little ? wal::WordOrder::Little : wal::WordOrder::Big;
constexpr std::size_t kSummed = 40;  // bytes of a copy that its checksum covers

void check(ByteSpan first, ByteSpan second) {
  const auto header = wal::parse_index_header(first, second);
  if (!header) return;
  if (!std::ranges::equal(first, second)) std::abort();
  const bool has_size = PageSize::is_valid(header->page_size.value);
  if (!has_size && (header->page_size.value != 0 || header->max_frame > 0)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < wal::kIndexHeaderBytes) return 0;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto first = bytes.first(wal::kIndexCopyBytes);
  check(first, bytes.subspan(wal::kIndexCopyBytes, wal::kIndexCopyBytes));
  // No search finds a checksum, so the same header is tried with a valid one, too.
  std::array<std::byte, wal::kIndexCopyBytes> valid{};
  std::ranges::copy(first, valid.begin());
  const auto sum = wal::checksum(kOrder, {}, std::span(valid).first(kSummed));
  std::memcpy(valid.data() + kSummed, &sum, sizeof sum);
  check(valid, valid);
  // Any bytes are checkpoint information: nothing proves it.
  wal::parse_checkpoint_info(bytes.subspan(2 * wal::kIndexCopyBytes));
  return 0;
}
