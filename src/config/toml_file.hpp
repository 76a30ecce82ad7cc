// TOML text -> a flat list of keys and values. Pure; knows no setting.
//
// It has limits, because the parser below it recurses and scans the text once per value: see the
// .cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"

namespace walwrap::config {

inline constexpr std::size_t kMaxTomlBytes = 65'536;

enum class TomlType { Text, Integer, Switch, Other };

struct TomlValue {
  std::string key;   // dotted: "wal.limit"; in arrays of tables "database[1].path", counted from 1
  std::string text;  // "" for Other
  TomlType type = TomlType::Other;
  std::size_t line = 0;  // from 1
};

// In the order of the file. Errors: Invalid, with the line but never with its text, which may
// contain a secret.
Result<std::vector<TomlValue>> parse_toml(std::string_view text);

}  // namespace walwrap::config
