#include "walwrap/wal/index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace walwrap::wal {
namespace {

constexpr std::uint32_t kIndexVersion = 3007000;
constexpr std::size_t kChecksummedIndexBytes = 40;

template <typename T>
T load_native(ByteSpan bytes, std::size_t offset) {
  WW_CHECK(bytes.size() >= offset + sizeof(T));
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// The wal-index is checksummed in the machine's order, whatever the WAL's.
constexpr WordOrder kNativeOrder =
    std::endian::native == std::endian::little ? WordOrder::Little : WordOrder::Big;

}  // namespace

std::optional<IndexHeader> parse_index_header(ByteSpan first_copy, ByteSpan second_copy) {
  WW_CHECK(first_copy.size() >= kIndexCopyBytes && second_copy.size() >= kIndexCopyBytes);
  const ByteSpan bytes = first_copy.first(kIndexCopyBytes);
  if (!std::ranges::equal(bytes, second_copy.first(kIndexCopyBytes))) return std::nullopt;
  if (load_native<std::uint32_t>(bytes, 0) != kIndexVersion) return std::nullopt;
  if (load_native<std::uint8_t>(bytes, 12) == 0) return std::nullopt;  // isInit
  const Checksum stored{load_native<std::uint32_t>(bytes, 40),
                        load_native<std::uint32_t>(bytes, 44)};
  if (checksum(kNativeOrder, {}, bytes.first(kChecksummedIndexBytes)) != stored) {
    return std::nullopt;
  }
  // 16 bits hold 65536 as 1.
  const auto size = load_native<std::uint16_t>(bytes, 14);
  IndexHeader header;
  header.page_size = PageSize{(size & 0xfe00U) + ((size & 1U) << 16)};
  // 0: the index was made from an empty WAL, which says nothing of pages.
  if (size != 0 && !PageSize::is_valid(header.page_size.value)) return std::nullopt;
  header.change = load_native<std::uint32_t>(bytes, 8);
  header.max_frame = load_native<std::uint32_t>(bytes, 16);
  if (size == 0 && header.max_frame > 0) return std::nullopt;
  header.pages = load_native<std::uint32_t>(bytes, 20);
  header.frame_checksum = {load_native<std::uint32_t>(bytes, 24),
                           load_native<std::uint32_t>(bytes, 28)};
  // SQLite copies the salts' bytes from the WAL's header, so they alone are big-endian here.
  header.salts = {load_be32(bytes.subspan(32)), load_be32(bytes.subspan(36))};
  return header;
}

std::array<std::byte, kIndexCopyBytes> without_size(ByteSpan copy) {
  WW_CHECK(copy.size() >= kIndexCopyBytes);
  std::array<std::byte, kIndexCopyBytes> header{};
  std::copy_n(copy.begin(), header.size(), header.begin());
  std::fill_n(header.begin() + 20, sizeof(std::uint32_t), std::byte{0});  // nPage
  const Checksum sum = checksum(kNativeOrder, {}, ByteSpan(header).first(kChecksummedIndexBytes));
  std::memcpy(header.data() + 40, &sum.first, sizeof sum.first);
  std::memcpy(header.data() + 44, &sum.second, sizeof sum.second);
  return header;
}

CheckpointInfo parse_checkpoint_info(ByteSpan bytes) {
  CheckpointInfo info;
  info.backfilled = load_native<std::uint32_t>(bytes, 0);
  for (std::size_t i = 0; i < info.read_marks.size(); ++i) {
    info.read_marks[i] = load_native<std::uint32_t>(bytes, 4 + 4 * i);
  }
  info.attempted = load_native<std::uint32_t>(bytes, 32);
  return info;
}

}  // namespace walwrap::wal
