// "host:port" as a Host header, a URL or a peer's address has it, and which hosts are this machine.
// Pure.
//
// The only place that decides what is loopback: the API's Host check, the rule that plain http
// stays on this machine, and --listen all use it. It is strict because the result grants access: a
// name that only begins like an address ("127.0.0.1.example.com") belongs to the owner of that
// domain.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace walwrap {

struct HostPort {
  std::string_view host;  // an IPv6 address with its brackets
  std::optional<std::uint16_t> port;
  bool operator==(const HostPort&) const = default;
};

// nullopt: not "host" or "host:port" with a port from 0 to 65535; an IPv6 address needs brackets.
// The host part is not checked further.
std::optional<HostPort> parse_host_port(std::string_view text);

// "localhost" in any case, an IPv4 address of 127.0.0.0/8 as four decimal numbers without leading
// zeros, or "[::1]". Nothing else, no trailing dot, no other spelling of the same address.
bool is_loopback_host(std::string_view host);

}  // namespace walwrap
