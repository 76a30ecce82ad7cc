// Reads the files of tests/data.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "walwrap/base/bytes.hpp"

namespace walwrap::testing {

extern const char* const kTestData;  // the directory tests/data

// "wal/restarted.db-wal"; the test fails if it is not there.
inline ByteVector test_data(const std::string& name) {
  std::ifstream file(std::string(kTestData) + "/" + name, std::ios::binary);
  INFO("test data: " << name);
  REQUIRE(file.good());
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const ByteSpan bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

inline ByteVector from_hex(std::string_view hex) {
  ByteVector bytes;
  int high = -1;
  for (const char c : hex) {
    const auto digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) continue;
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes.push_back(static_cast<std::byte>(high * 16 + static_cast<int>(digit)));
      high = -1;
    }
  }
  return bytes;
}

}  // namespace walwrap::testing
