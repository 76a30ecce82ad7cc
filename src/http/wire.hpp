// What a request looks like on the wire: what may be sent at all, and how a field is given to
// libcurl. Pure.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/http/transport.hpp"

namespace walwrap::http {

// Nothing that would be sent other than it stands there, or as a second request. Errors: Invalid;
// the text repeats nothing that could be secret.
Result<void> check_request(const Request& request);

// "host:port" of a URL, for people; without a user.
std::string_view host_of(std::string_view url);

// Addresses of the metadata services of this very machine: never asked through a proxy, which would
// answer for its own.
bool is_link_local(std::string_view host);

// "name: value"; an empty value has a spelling of its own in libcurl, "name;".
std::string format_field(const HeaderField& field);

}  // namespace walwrap::http
