// Small files of a test: written, read and listed in one line.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/os/atomic_file.hpp"

namespace walwrap::testing {

inline void write_text(const os::Path& path, std::string_view text) {
  auto file = os::AtomicFile::create(path).value();
  REQUIRE(file.write(as_bytes(text)).has_value());
  REQUIRE(file.commit(os::AtomicFile::Publish::Replace).has_value());
}

inline std::string text_of(const os::Path& path) {
  constexpr Bytes kPlenty = 1 << 20;
  const auto bytes = os::read_file(path, kPlenty);
  return bytes ? std::string(as_text(*bytes)) : "error: " + bytes.error().text;
}

inline std::vector<std::string> names_in(const os::Path& directory) {
  auto names = os::list_directory(directory).value();
  std::ranges::sort(names);
  return names;
}

}  // namespace walwrap::testing
