// What a text holds, for tests of what is said.
#pragma once

#include <string_view>

namespace walwrap::testing {

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace walwrap::testing
