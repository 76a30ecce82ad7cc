// Whatever a configuration file holds, it is a configuration or an error that fits on a screen.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "walwrap/config/config_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  walwrap::config::Sources sources;
  sources.toml_path = "walwrap.toml";
  sources.toml_text.assign(reinterpret_cast<const char*>(data), size);
  const auto config = walwrap::config::parse_config(sources);
  if (!config && (config.error().text.empty() || config.error().text.size() > 70'000)) std::abort();
  return 0;
}
