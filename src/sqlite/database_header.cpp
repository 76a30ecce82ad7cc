#include "walwrap/sqlite/database_header.hpp"

#include <array>
#include <string_view>

#include "walwrap/base/bytes.hpp"

namespace walwrap::sqlite {

std::optional<PageSize> page_size_of(const os::Path& database) {
  constexpr std::string_view kBegins("SQLite format 3\0", 16);
  constexpr std::size_t kPageSizeAt = 16;
  constexpr std::uint32_t kOneMeans = 65'536;
  std::array<std::byte, kPageSizeAt + 2> header{};
  const auto file = os::File::open(database, os::File::Open::ReadOnly);
  if (!file) return std::nullopt;
  const auto got = file->read_at(header, 0);
  if (!got || *got != header.size() || !as_text(header).starts_with(kBegins)) return std::nullopt;
  const std::uint32_t size = load_be16(ByteSpan(header).subspan(kPageSizeAt));
  const PageSize page_size{size == 1 ? kOneMeans : size};
  if (!PageSize::is_valid(page_size.value)) return std::nullopt;
  return page_size;
}

}  // namespace walwrap::sqlite
