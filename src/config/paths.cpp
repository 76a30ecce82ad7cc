#include "walwrap/config/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "walwrap/base/text.hpp"
#include "walwrap/config/quote.hpp"

namespace walwrap::config {
namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";  // in a file that was edited on Windows
constexpr std::string_view kNoBreak = "\xc2\xa0";  // a blank copied from a web page
constexpr std::string_view kMemory = ":memory:";

bool is_quote(char c) {
  return c == '"' || c == '\'' || c == '`';
}

Problem find_control(std::string_view text) {
  const auto* const found = std::find_if(text.begin(), text.end(), is_control);
  if (found == text.end()) return std::nullopt;
  if (*found == '\r') {
    return "contains a carriage return, from a file with Windows line endings; remove it";
  }
  if (*found == '\n') return "contains a line break; remove it";
  if (*found == '\t') return "contains a tab; remove it";
  return fmt::format("contains the control character 0x{:02x}; remove it",
                     static_cast<unsigned>(static_cast<unsigned char>(*found)));
}

Problem find_blank_at_end(std::string_view text) {
  for (const std::string_view blank : {std::string_view(" "), kNoBreak, kBom}) {
    const std::string_view name = blank == kBom ? "byte order mark" : "blank";
    if (text.starts_with(blank)) return fmt::format("has a {} at its start; remove it", name);
    if (text.ends_with(blank)) return fmt::format("has a {} at its end; remove it", name);
  }
  return std::nullopt;
}

// "$HOME", "${HOME}", "$(pwd)" in the text; "": none.
std::string_view find_variable(std::string_view text) {
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (next == '{' || next == '(') {
      const auto close = text.find(next == '{' ? '}' : ')', at);
      return text.substr(at, close == std::string_view::npos ? close : close - at + 1);
    }
    if (!is_letter(next) && next != '_') continue;
    auto end = at + 1;
    while (end < text.size() && (is_letter(text[end]) || text[end] == '_' || is_digit(text[end]))) {
      ++end;
    }
    return text.substr(at, end - at);
  }
  return {};
}

// "sqlite" of "sqlite:///x", "" of "/x", "app.db" and "C".
std::string scheme_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2 || !is_letter(text.front())) return {};
  std::string scheme(text.substr(0, colon));
  for (char& c : scheme) {
    const bool may_be = is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    if (!may_be) return {};
    c = lower_case(c);
  }
  return scheme;
}

Result<std::string> decode(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    const auto high = at + 2 < text.size() ? hex_value(text[at + 1]) : std::nullopt;
    const auto low = at + 2 < text.size() ? hex_value(text[at + 2]) : std::nullopt;
    if (!high || !low) return fail(Code::Invalid, "has a % without two hex digits; write %25");
    plain += static_cast<char>(*high * 16 + *low);
    at += 2;
  }
  return plain;
}

// Options that make another program open the database differently from walwrap cannot be supported.
Result<void> check_query(std::string_view query, std::string_view path) {
  if (query.empty()) return {};
  for (const std::string_view pair : split(query, '&')) {
    const auto name = pair.substr(0, pair.find('='));
    const auto value = pair.substr(std::min(pair.size(), name.size() + 1));
    const bool is_usual = (name == "mode" && (value == "rw" || value == "rwc")) ||
                          (name == "cache" && (value == "shared" || value == "private"));
    if (is_usual) continue;
    if (name == "mode" && value == "memory") {
      return fail(Code::Invalid, "is an in-memory database, which has no file to replicate");
    }
    return fail(Code::Invalid, "has the parameter {}, which walwrap does not support; write {}",
                quote_value(sounds_secret(name) ? name : pair), quote_value(path));
  }
  return {};
}

// The part after "file:" or "sqlite:" up to the query, still encoded, as a path.
Result<std::string_view> path_of_url(std::string_view scheme, std::string_view rest) {
  if (!rest.starts_with("//")) return rest;  // "file:/x", "sqlite:x"
  rest.remove_prefix(2);
  if (scheme == "file") {
    constexpr std::string_view kLocalhost = "localhost/";
    if (rest.starts_with(kLocalhost)) rest.remove_prefix(kLocalhost.size() - 1);
    if (rest.starts_with('/')) return rest;
    return fail(Code::Invalid,
                "is a file URL with a host name; write file:///{}, or the path alone", rest);
  }
  // SQLAlchemy writes four slashes before an absolute path and three before a relative one; Rails
  // and sqlx write three before an absolute one.
  if (rest.starts_with("//")) return rest.substr(1);
  if (rest.starts_with('/') && rest.find('/', 1) == std::string_view::npos) {
    return fail(
        Code::Invalid,
        "means {} to some programs and a file in the working directory to others; write the "
        "path alone",
        rest);
  }
  return rest;
}

Result<std::string> parse_url(std::string_view scheme, std::string_view rest) {
  if (rest.find('#') != std::string_view::npos) {
    return fail(Code::Invalid, "contains a #; write %23, or the path alone");
  }
  const auto mark = std::min(rest.find('?'), rest.size());
  const auto encoded = TRY(path_of_url(scheme, rest.substr(0, mark)));
  auto path = TRY(decode(encoded));
  TRY(check_query(rest.substr(std::min(rest.size(), mark + 1)), path));
  return path;
}

}  // namespace

Problem find_leftover(std::string_view text) {
  if (text.empty()) return "is empty";
  if (auto control = find_control(text)) return control;
  if (auto blank = find_blank_at_end(text)) return blank;
  for (const char c : {text.front(), text.back()}) {
    if (!is_quote(c)) continue;
    return fmt::format("has a quotation mark ({}) at its {}; remove it, walwrap does not", c,
                       text.front() == c ? "start" : "end");
  }
  if (text.front() == '~') {
    return "begins with ~, which only a shell expands; write the whole path";
  }
  if (const auto variable = find_variable(text); !variable.empty()) {
    return fmt::format("contains {}, which was not expanded; write its value",
                       quote_value(variable));
  }
  if (text.find("{{") != std::string_view::npos) {
    return "contains {{, which no template engine has expanded; write its value";
  }
  return std::nullopt;
}

Problem check_path(std::string_view text) {
  if (auto leftover = find_leftover(text)) return leftover;
  if (const auto at = text.find_first_of("*?["); at != std::string_view::npos) {
    return fmt::format("contains {}, and patterns are not supported; name each file by its path",
                       text[at]);
  }
  if (text.size() > 2 && is_letter(text[0]) && text[1] == ':' && text[2] == '\\') {
    return "is a Windows path; write one such as /data/app.db";
  }
  return std::nullopt;
}

Result<std::string> parse_database_path(std::string_view text) {
  if (const auto leftover = find_leftover(text)) return fail(Code::Invalid, "{}", *leftover);
  if (text.find(kMemory) != std::string_view::npos) {
    return fail(Code::Invalid, "is an in-memory database, which has no file to replicate");
  }
  std::string path(text);
  const std::string scheme = scheme_of(text);
  const bool is_sqlite = scheme == "sqlite" || scheme == "sqlite3" || scheme.starts_with("sqlite+");
  if (scheme == "file" || is_sqlite) {
    path = TRY(parse_url(scheme, text.substr(scheme.size() + 1)));
  } else if (text.find("://") != std::string_view::npos || scheme == "jdbc") {
    return fail(Code::Invalid, "is not the URL of a file; write a path such as /data/app.db");
  }
  if (const auto problem = check_path(path)) return fail(Code::Invalid, "{}", *problem);
  if (path.ends_with('/')) {
    return fail(Code::Invalid, "is a directory; add the file name, such as {}app.db", path);
  }
  return path;
}

Problem check_replica(std::string_view text) {
  if (auto leftover = find_leftover(text)) return leftover;
  const bool is_url = text.find("://") != std::string_view::npos;
  return is_url ? std::nullopt : check_path(text);
}

}  // namespace walwrap::config
