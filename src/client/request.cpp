#include "walwrap/client/request.hpp"

#include <algorithm>

namespace walwrap::client {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

char separator(std::string_view target) {
  return target.find('?') == std::string_view::npos ? '?' : '&';
}

void append_parameter(Text& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target.append(separator(target.view()));
  target.append(name);
  target.append('=');
  append_encoded(target, value);
}

}  // namespace

void append_encoded(Text& out, std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : value) {
    if (is_unreserved(c)) {
      out.append(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    const char escaped[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
    out.append({escaped, sizeof escaped});
  }
}

void append_parameters(Text& target, const Parameters& parameters) {
  append_parameter(target, "db", parameters.database);
  append_parameter(target, "position", parameters.position);
}

bool is_well_formed(const Request& request) {
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
  return (request.method == "GET" || request.method == "POST") && request.target.starts_with('/') &&
         std::all_of(request.target.begin(), request.target.end(), is_visible);
}

void format_request(const Request& request, std::chrono::milliseconds left, Text& out) {
  out.append(request.method);
  out.append(' ');
  out.append(request.target);
  if (request.says == Request::Says::Timeout) {
    out.append(separator(request.target));
    out.append("timeout=");
    out.append_decimal(std::max(left, std::chrono::milliseconds(0)).count());
    out.append("ms");
  }
  out.append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  if (request.method == "POST") out.append("Content-Length: 0\r\n");
  out.append("\r\n");
}

}  // namespace walwrap::client
