#include "walwrap/http/uri.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "walwrap/base/text.hpp"

namespace walwrap::http {
namespace {

Result<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const bool is_whole = i + 2 < text.size();
      const auto high = is_whole ? hex_value(text[i + 1]) : std::nullopt;
      const auto low = is_whole ? hex_value(text[i + 2]) : std::nullopt;
      if (!high || !low) {
        return fail(Code::Invalid, "'%' must be followed by two hex digits; write %25 for '%'");
      }
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    }
    if (is_control(c)) return fail(Code::Invalid, "control character in the URL");
    decoded.push_back(c);
  }
  return decoded;
}

Result<std::string> parse_scheme(std::string_view text) {
  const bool well_formed =
      !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
      });
  if (!well_formed) return fail(Code::Invalid, "a URL begins with a scheme, such as file://");
  return lower_case(text);
}

// No text of the authority is ever repeated in an error, because it may contain a password.
Result<std::string> parse_host(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) {
    return fail(Code::Invalid,
                "a user or password in a URL is visible in ps; set credentials in the environment");
  }
  std::string_view name = authority;
  std::string_view port;
  const bool is_ipv6 = authority.starts_with('[');
  const auto name_end = is_ipv6 ? authority.find(']') : authority.find(':');
  if (is_ipv6 && name_end == std::string_view::npos) {
    return fail(Code::Invalid, "'[' without ']' in the host name");
  }
  if (name_end != std::string_view::npos) {
    const std::size_t colon = is_ipv6 ? name_end + 1 : name_end;
    name = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  const bool is_port = port.empty() || (port.size() >= 2 && port.size() <= 6 && port[0] == ':' &&
                                        std::all_of(port.begin() + 1, port.end(), is_digit));
  if (!is_port || (!port.empty() && name.empty())) {
    return fail(Code::Invalid,
                "the text after ':' in the host name is not a port (a user or password in a URL is "
                "refused)");
  }
  const std::string_view allowed = is_ipv6 ? "[]:." : "-._";
  const bool is_name = std::all_of(name.begin(), name.end(), [&](char c) {
    return is_letter(c) || is_digit(c) || allowed.find(c) != std::string_view::npos;
  });
  if (!is_name) {
    return fail(Code::Invalid, "a host name contains only letters, digits, '.', '-' and '_'");
  }
  return std::string(authority);
}

Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    auto key = TRY(percent_decode(pair.substr(0, equals)));
    if (key.empty() || equals == std::string_view::npos) {
      return fail(Code::Invalid, "the part after '?' must be key=value, joined by '&'");
    }
    auto value = TRY(percent_decode(pair.substr(equals + 1)));
    const auto [place, is_new] = query.emplace(std::move(key), std::move(value));
    if (!is_new) return fail(Code::Invalid, "'{}' is given twice in the URL", place->first);
  }
  return query;
}

}  // namespace

Result<Uri> parse_uri(std::string_view text) {
  constexpr std::string_view kSeparator = "://";
  const auto separator = text.find(kSeparator);
  if (separator == std::string_view::npos) {
    return fail(Code::Invalid, "a URL begins with a scheme and ://, such as file:///dir");
  }
  Uri uri;
  uri.scheme = TRY(parse_scheme(text.substr(0, separator)));

  std::string_view rest = text.substr(separator + kSeparator.size());
  if (rest.find('#') != std::string_view::npos) {
    return fail(Code::Invalid, "write %23 for '#' in a URL");
  }
  std::string_view query;
  if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  const auto slash = std::min(rest.find('/'), rest.size());
  uri.host = TRY(parse_host(rest.substr(0, slash)));
  uri.path = TRY(percent_decode(rest.substr(slash)));
  uri.query = TRY(parse_query(query));
  return uri;
}

std::string percent_encode(std::string_view bytes, Slash slash) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  constexpr std::string_view kUnreservedMarks = "-_.~";
  std::string encoded;
  encoded.reserve(bytes.size());
  for (const char c : bytes) {
    const bool is_plain = is_letter(c) || is_digit(c) ||
                          kUnreservedMarks.find(c) != std::string_view::npos ||
                          (c == '/' && slash == Slash::Keep);
    if (is_plain) {
      encoded.push_back(c);
      continue;
    }
    const auto value = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(kHexDigits[value >> 4]);
    encoded.push_back(kHexDigits[value & 0xf]);
  }
  return encoded;
}

}  // namespace walwrap::http
