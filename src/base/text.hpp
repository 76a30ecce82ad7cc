// Splits and quotes texts, and classifies characters: ASCII only, whatever the locale. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walwrap {

// The pieces between the separators: one more than there are of them, empty ones too.
std::vector<std::string_view> split(std::string_view text, char separator);
// Whether "word" is one of the pieces.
bool is_listed(std::string_view list, char separator, std::string_view word);
// Without the `blanks` at both ends.
std::string_view trim(std::string_view text, std::string_view blanks);

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
// Of a hexadecimal digit in either case. nullopt: it is not one.
std::optional<int> hex_value(char c);

inline char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower_case(std::string_view text);

// As a shell reads it back: as it is, or in single quotes.
std::string quote_for_shell(std::string_view word);

}  // namespace walwrap
