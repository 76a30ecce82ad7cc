#include "walwrap/replication/replica/layout.hpp"

#include "walwrap/base/check.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kSuffix = ".ltx";
constexpr std::size_t kHexDigits = 16;
constexpr std::size_t kNameLength = kHexDigits + 1 + kHexDigits + kSuffix.size();

// The part of a key before the level's digit.
std::string_view before_level(KeyStyle style) {
  switch (style) {
    case KeyStyle::Directory:
      return "ltx/";
    case KeyStyle::S3:
      return "000";  // four hexadecimal digits, of which levels need one
  }
  WW_CHECK(false);
  return {};
}

}  // namespace

std::string file_name(TxidRange txids) {
  WW_CHECK(txids.first.value > 0 && txids.first <= txids.last);
  return fmt::format("{}-{}{}", txids.first, txids.last, kSuffix);
}

std::string level_prefix(KeyStyle style, Level level) {
  WW_CHECK(level >= kUploadLevel && level <= kSnapshotLevel);
  return fmt::format("{}{}/", before_level(style), level);
}

std::string file_key(KeyStyle style, Level level, TxidRange txids) {
  return level_prefix(style, level) + file_name(txids);
}

std::optional<StoredFile> parse_key(KeyStyle style, std::string_view key) {
  const std::string_view before = before_level(style);
  if (!key.starts_with(before)) return std::nullopt;
  key.remove_prefix(before.size());
  if (key.size() != 2 + kNameLength || key[0] < '0' || key[0] > '9' || key[1] != '/') {
    return std::nullopt;
  }
  const Level level{key[0] - '0'};
  const std::string_view name = key.substr(2);
  if (name[kHexDigits] != '-' || !name.ends_with(kSuffix)) return std::nullopt;
  const auto first = parse_hex16(name.substr(0, kHexDigits));
  const auto last = parse_hex16(name.substr(kHexDigits + 1, kHexDigits));
  if (!first || !last || *first == 0 || *first > *last) return std::nullopt;
  return StoredFile{.level = level, .txids = {Txid{*first}, Txid{*last}}, .size = 0, .time = {}};
}

std::string key_before(KeyStyle style, Level level, Txid first) {
  // A key has '-' after the digits, so the digits alone sort just before it.
  return level_prefix(style, level) + format_hex16(first.value);
}

}  // namespace walwrap::replication
