// TOML text, environment and flags -> Config. Pure: text in, values out.
//
// Flags override WALWRAP_* environment variables, which override TOML, which overrides the defaults
// of settings.hpp. An error names the key, the value, the source ("--grace", "environment
// WALWRAP_GRACE", "/etc/walwrap.toml, line 3") and, for an unknown key, the nearest known one. A
// value that may be a secret is shown as ***.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/config/config.hpp"

namespace walwrap::config {

struct Sources {
  std::vector<FlagValue> flags;  // in the order typed
  Environment environment;       // all of it; only WALWRAP_* is used
  std::string toml_path;         // for messages; "" if there is no file
  std::string toml_text;
};

// Errors: Invalid. An empty environment variable counts as not set.
Result<Config> parse_config(const Sources& sources);

// Which TOML file to read before parse_config.
struct ConfigFile {
  std::string path;
  bool required = false;  // the user named it; false: the default path, which may not exist
};
inline constexpr std::string_view kDefaultConfigFile = "/etc/walwrap.toml";
ConfigFile config_file(const std::vector<FlagValue>& flags, const Environment& environment);

// "NAME=value" entries as a process inherits them. The first of a repeated name counts, as for
// getenv.
Environment parse_environment(const std::vector<std::string>& entries);

}  // namespace walwrap::config
