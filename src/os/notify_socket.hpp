// A datagram to the listener on a Unix socket, such as a service manager.
#pragma once

#include <string_view>

#include "walwrap/base/result.hpp"

namespace walwrap::os {

// `address`: a path, or "@name" in the abstract name space (unix(7)). Never waits: Unavailable if
// the listener's buffer is full. NotFound, Denied: no listener, or no access.
Result<void> send_datagram(std::string_view address, std::string_view text);

}  // namespace walwrap::os
