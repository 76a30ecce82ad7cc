#include "walwrap/config/toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <sstream>
#include <toml.hpp>
#include <utility>

namespace walwrap::config {
namespace {

// std::map keeps the order below fixed. Comments are not needed.
using Value = toml::basic_value<toml::discard_comments, std::map, std::vector>;

// toml11 recurses on brackets and on the dots of a key, and finds a value's line by counting from
// the start. These limits keep the recursion small and are far above what the settings need.
constexpr std::size_t kMaxBrackets = 256;
constexpr std::size_t kMaxDotsInLine = 64;
constexpr std::size_t kMaxValues = 512;

// Bytes of the UTF-8 character at the start of `text`. 0: `text` starts with none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  // The second byte excludes overlong forms, surrogates and values above U+10FFFF.
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t at = 2; at < length; ++at) {
    if (byte(at) < 0x80 || byte(at) > 0xbf) return 0;
  }
  return length;
}

// toml11 3.7.1 reads out of bounds when it reports such bytes, so it never gets any.
Result<void> check_utf8(std::string_view text) {
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = character_bytes(text.substr(at));
    if (length == 0) return fail(Code::Invalid, "line {}: bytes that are not UTF-8", line);
    if (text[at] == '\n') ++line;
    at += length;
  }
  return {};
}

Result<void> check_limits(std::string_view text) {
  if (text.size() > kMaxTomlBytes) {
    return fail(Code::Invalid, "larger than {} bytes: not a walwrap configuration", kMaxTomlBytes);
  }
  std::size_t brackets = 0;
  std::size_t dots = 0;
  std::size_t line = 1;
  for (const char c : text) {
    if (c == '[' || c == '{') ++brackets;
    if (c == '.') ++dots;
    if (brackets > kMaxBrackets) {
      return fail(Code::Invalid, "line {}: more than {} tables and arrays", line, kMaxBrackets);
    }
    if (dots > kMaxDotsInLine) {
      return fail(Code::Invalid, "line {}: more than {} dots in a line", line, kMaxDotsInLine);
    }
    if (c == '\n') {
      ++line;
      dots = 0;
    }
  }
  return {};
}

// "[error] toml::parse_value: why\n --> file\n | the line itself" -> "why". Only the first line up
// to a quote: the rest repeats the file's text.
std::string reason_of(std::string_view what) {
  what = what.substr(0, what.find('\n'));
  if (what.find("already exists") != std::string_view::npos) return "the same key a second time";
  for (const std::string_view prefix : {"[error] ", "toml::"}) {
    if (what.substr(0, prefix.size()) == prefix) what.remove_prefix(prefix.size());
  }
  const auto colon = what.find(": ");
  if (colon != std::string_view::npos && what.find(' ') == colon + 1) what.remove_prefix(colon + 2);
  what = what.substr(0, std::min(what.find('"'), what.find('\'')));
  if (what.find(' ') == std::string_view::npos) return "not a valid value";
  return std::string(what);
}

TomlValue leaf(std::string key, const Value& value) {
  TomlValue out;
  out.key = std::move(key);
  out.line = value.location().line();
  if (value.is_string()) {
    out.type = TomlType::Text;
    out.text = value.as_string().str;
  } else if (value.is_integer()) {
    out.type = TomlType::Integer;
    out.text = fmt::format("{}", value.as_integer());
  } else if (value.is_boolean()) {
    out.type = TomlType::Switch;
    out.text = value.as_boolean() ? "true" : "false";
  }
  return out;
}

// kMaxBrackets and kMaxDotsInLine limit the recursion.
void flatten(const std::string& key, const Value& value, std::vector<TomlValue>& out) {
  if (out.size() > kMaxValues) return;
  if (value.is_table()) {
    for (const auto& [name, member] : value.as_table()) {
      flatten(key.empty() ? name : fmt::format("{}.{}", key, name), member, out);
    }
    return;
  }
  const bool of_tables = value.is_array() && !value.as_array().empty() &&
                         std::all_of(value.as_array().begin(), value.as_array().end(),
                                     [](const Value& element) { return element.is_table(); });
  if (!of_tables) {
    out.push_back(leaf(key, value));
    return;
  }
  std::size_t number = 0;
  for (const Value& element : value.as_array()) {
    flatten(fmt::format("{}[{}]", key, ++number), element, out);
  }
}

}  // namespace

Result<std::vector<TomlValue>> parse_toml(std::string_view text) {
  TRY(check_limits(text));
  TRY(check_utf8(text));
  std::vector<TomlValue> values;
  try {
    std::istringstream stream{std::string(text)};
    const auto root = toml::parse<toml::discard_comments, std::map, std::vector>(stream, "file");
    flatten("", root, values);
  } catch (const toml::exception& error) {
    return fail(Code::Invalid, "line {}: {}", error.location().line(), reason_of(error.what()));
  } catch (const std::exception& error) {
    // toml11 lets some exceptions of the standard library through, without a line: numbers that do
    // not fit, bytes that are not UTF-8.
    return fail(Code::Invalid, "not TOML: {}", reason_of(error.what()));
  }
  if (values.size() > kMaxValues) return fail(Code::Invalid, "more than {} keys", kMaxValues);
  std::stable_sort(values.begin(), values.end(),
                   [](const TomlValue& a, const TomlValue& b) { return a.line < b.line; });
  return values;
}

}  // namespace walwrap::config
