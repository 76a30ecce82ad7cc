// The one table of settings: name, flag, environment variable, TOML key, kind, default, help.
//
// Pure. Parsing, --help, the table of docs/configuration.md and the error messages are made from
// it. To add a setting, add its row.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "walwrap/base/types.hpp"
#include "walwrap/config/config.hpp"
#include "walwrap/config/problem.hpp"

namespace walwrap::config {

enum class Kind { Text, Duration, Size, Integer, Switch, Choice };

struct Setting {
  std::string_view key;          // TOML: "grace", "wal.hard-limit"; "": not in a TOML file
  std::string_view flag;         // "--grace"
  std::string_view environment;  // "WALWRAP_GRACE"
  Kind kind = Kind::Text;
  std::string_view argument;      // in --help: "DURATION"; "" for a switch
  std::string_view default_text;  // as one would type it; "" if it depends (the help says on what)
  std::string_view choices;       // "refuse|use-replica|use-local", in the enum's order
  std::string_view help;          // one line
  // Puts a value into its place. Null: parse_config itself handles it.
  Problem (*apply)(Config& config, const Setting& setting, std::string_view text) = nullptr;
};
std::span<const Setting> settings();

// nullptr: there is no such flag.
const Setting* find_flag(std::string_view flag);
// One sentence: the flag is unknown, with the nearest known one.
std::string describe_unknown_flag(std::string_view flag);

// "64MiB", "512k", "1GB", "4096". A single letter and the "i" units count in 1024, KB, MB, GB and
// TB in 1000.
std::optional<Bytes> parse_size(std::string_view text);

// The known word nearest to a mistyped one, if one is near.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known);

std::string format_settings_help();      // for --help
std::string format_settings_markdown();  // the table of docs/configuration.md

}  // namespace walwrap::config
