#include "walwrap/config/quote.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "walwrap/base/text.hpp"

namespace walwrap::config {
namespace {

constexpr std::size_t kLongestShown = 200;

// "scheme://user:password@host/..." -> "scheme://***@host/...". Everything up to the last '@' is
// hidden, even past a '/': an unescaped password may contain one, and hiding too much does no harm.
std::string hide_user(std::string text) {
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const auto start = scheme + 3;
  const auto at = text.rfind('@', text.find('?', start));
  if (at == std::string::npos || at < start) return text;
  return text.replace(start, at - start, "***");
}

// "?region=x&secret=y" -> "?region=x&secret=***".
std::string hide_query(std::string text) {
  auto name = text.find('?');
  while (name != std::string::npos) {
    ++name;
    const auto end = std::min(text.find('&', name), text.size());
    const auto equals = text.find('=', name);
    if (equals < end && sounds_secret(std::string_view(text).substr(name, equals - name))) {
      text.replace(equals + 1, end - equals - 1, "***");
    }
    name = text.find('&', name);
  }
  return text;
}

}  // namespace

bool sounds_secret(std::string_view name) {
  constexpr std::array<std::string_view, 6> kWords = {"secret", "password", "passwd",
                                                      "token",  "key",      "credential"};
  const std::string lower = lower_case(name);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string quote_value(std::string_view value) {
  std::string text = hide_query(hide_user(std::string(value)));
  if (text.size() > kLongestShown) text = text.substr(0, kLongestShown) + "...";
  for (char& c : text) {
    if (is_control(c)) c = '?';
  }
  return '"' + text + '"';
}

}  // namespace walwrap::config
