// A datagram to whoever listens on a Unix socket, as a service manager does.
#pragma once

#include <string_view>

#include "walwrap/base/result.hpp"

namespace walwrap::os {

// `address`: a path, or "@name" in the abstract name space (unix(7)). Never waits: Unavailable if
// the listener's buffer is full. NotFound, Denied: nobody listens, or not to us.
Result<void> send_datagram(std::string_view address, std::string_view text);

}  // namespace walwrap::os
