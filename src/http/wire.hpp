// The form of a request on the network: what may be sent at all, and how a field is given to
// libcurl. Pure.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"

namespace walwrap::http {

// Refuses a request that would be sent differently from its text, or as two requests. Errors:
// Invalid; the text repeats nothing that could be secret.
Result<void> check_request(const Request& request);

// "host:port" of a URL, for people, without a user.
std::string_view host_of(std::string_view url);

// Addresses of this machine's metadata services: never through a proxy, which would answer for
// itself.
bool is_link_local(std::string_view host);

// "name: value". libcurl has a special spelling for an empty value, "name;".
std::string format_field(const HeaderField& field);

}  // namespace walwrap::http
