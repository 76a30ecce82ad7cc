#include "walwrap/replication/layout.hpp"

#include "walwrap/base/check.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kLtxDirectory = "ltx/";
constexpr std::string_view kSuffix = ".ltx";
constexpr std::size_t kHexDigits = 16;
constexpr std::size_t kNameLength = kHexDigits + 1 + kHexDigits + kSuffix.size();

}  // namespace

std::string file_name(TxidRange txids) {
  WW_CHECK(txids.first.value > 0 && txids.first <= txids.last);
  return fmt::format("{}-{}{}", txids.first, txids.last, kSuffix);
}

std::string level_prefix(KeyStyle style, Level level) {
  WW_CHECK(style == KeyStyle::Directory);
  WW_CHECK(level >= kUploadLevel && level <= kSnapshotLevel);
  return fmt::format("{}{}/", kLtxDirectory, level);
}

std::string file_key(KeyStyle style, Level level, TxidRange txids) {
  return level_prefix(style, level) + file_name(txids);
}

std::optional<StoredFile> parse_key(KeyStyle style, std::string_view key) {
  WW_CHECK(style == KeyStyle::Directory);
  if (!key.starts_with(kLtxDirectory)) return std::nullopt;
  key.remove_prefix(kLtxDirectory.size());
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
  // A key goes on with '-' after the digits, so their bare digits sort just before it.
  return level_prefix(style, level) + format_hex16(first.value);
}

}  // namespace walwrap::replication
