// Settings of a test, from one source, and what is said of those that are wrong.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "walwrap/config/config_parser.hpp"

namespace walwrap::testing {

inline config::Sources from_toml(std::string text) {
  config::Sources sources;
  sources.toml_path = "walwrap.toml";
  sources.toml_text = std::move(text);
  return sources;
}

inline config::Sources from_environment(std::string name, std::string value) {
  config::Sources sources;
  sources.environment[std::move(name)] = std::move(value);
  return sources;
}

inline config::Sources from_flags(std::vector<config::FlagValue> flags) {
  config::Sources sources;
  sources.flags = std::move(flags);
  return sources;
}

inline std::string error_of(const config::Sources& sources) {
  const auto config = config::parse_config(sources);
  if (config) return "(no error)";
  CHECK(config.error().code == Code::Invalid);
  return config.error().text;
}

}  // namespace walwrap::testing
