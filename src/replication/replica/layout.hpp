// Object key <-> (level, TXID range): the only place that forms a key. Pure.
//
// Keys and file names are those of litestream v0.5, which differ by kind of store: "ltx/0/<name>"
// in a directory, "0000/<name>" in S3. walwrap's own objects beside them are under "walwrap/".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

enum class KeyStyle { Directory, S3 };

struct StoredFile {
  Level level;
  TxidRange txids;
  Bytes size = 0;
  WallTime time{};  // as listed
  bool operator==(const StoredFile&) const = default;
};

std::string file_name(TxidRange txids);  // "0000000000000001-000000000000000a.ltx"
std::string level_prefix(KeyStyle style, Level level);
std::string file_key(KeyStyle style, Level level, TxidRange txids);
// nullopt: not an LTX file's key, or first > last, or TXID 0.
std::optional<StoredFile> parse_key(KeyStyle style, std::string_view key);
// Before the first key of this level whose range starts at `first` or later: for start_after.
std::string key_before(KeyStyle style, Level level, Txid first);

inline constexpr std::string_view kOwnPrefix = "walwrap/";
inline constexpr std::string_view kIdentityKey = "walwrap/identity.json";
inline constexpr std::string_view kProbeKey =
    "walwrap/probe";  // an empty object; see ownership.hpp
inline constexpr std::string_view kLegacyPrefix = "generations/";  // litestream v0.3

}  // namespace walwrap::replication
