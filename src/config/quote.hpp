// How a user's value is shown in a message. Pure.
#pragma once

#include <string>
#include <string_view>

namespace walwrap::config {

// In double quotes, on one line, with a limited length, and with *** for a user or password in a
// URL and for query values whose name suggests a secret.
std::string quote_value(std::string_view value);

// "AWS_SECRET_ACCESS_KEY", "token", "Password", ...
bool sounds_secret(std::string_view name);

}  // namespace walwrap::config
