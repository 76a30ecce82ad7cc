// Decimal numbers that are a whole text. Pure.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace walwrap {

// nullopt: something else is in it, or it does not fit. No plus sign, no blanks; a minus sign where
// T has one.
template <typename T>
std::optional<T> parse_decimal(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace walwrap
