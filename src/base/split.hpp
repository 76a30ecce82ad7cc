// Texts with separators, taken apart. Pure.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace walwrap {

// The pieces between the separators: one more than there are of them, empty ones too.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (true) {
    const auto end = std::min(text.find(separator), text.size());
    pieces.push_back(text.substr(0, end));
    if (end == text.size()) return pieces;
    text.remove_prefix(end + 1);
  }
}

// Whether "word" is one of the pieces.
inline bool is_listed(std::string_view list, char separator, std::string_view word) {
  const auto pieces = split(list, separator);
  return std::find(pieces.begin(), pieces.end(), word) != pieces.end();
}

}  // namespace walwrap
