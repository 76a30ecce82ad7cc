#include "walwrap/base/host_name.hpp"

#include <algorithm>

#include "walwrap/base/decimal.hpp"
#include "walwrap/base/text.hpp"

namespace walwrap {
namespace {

// 0 to 255, written in the only way that every program reads alike: 010 is 8 to some.
std::optional<std::uint8_t> parse_octet(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return parse_decimal<std::uint8_t>(text);
}

bool is_ipv4_loopback(std::string_view host) {
  constexpr std::size_t kOctets = 4;
  constexpr std::uint8_t kLoopbackNet = 127;
  const auto octets = split(host, '.');
  return octets.size() == kOctets && parse_octet(octets.front()) == kLoopbackNet &&
         std::ranges::all_of(octets, [](auto octet) { return parse_octet(octet).has_value(); });
}

bool is_localhost(std::string_view host) {
  return lower_case(host) == "localhost";
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  const bool is_bracketed = text.starts_with('[');
  const auto closing = text.find(']');
  if (is_bracketed && closing == std::string_view::npos) return std::nullopt;
  const auto host_end = is_bracketed ? closing + 1 : std::min(text.find(':'), text.size());
  HostPort parsed{.host = text.substr(0, host_end), .port = std::nullopt};
  if (parsed.host.empty()) return std::nullopt;
  const std::string_view rest = text.substr(host_end);
  if (rest.empty()) return parsed;
  if (!rest.starts_with(':')) return std::nullopt;
  parsed.port = parse_decimal<std::uint16_t>(rest.substr(1));
  if (!parsed.port) return std::nullopt;
  return parsed;
}

bool is_loopback_host(std::string_view host) {
  return is_localhost(host) || host == "[::1]" || is_ipv4_loopback(host);
}

}  // namespace walwrap
