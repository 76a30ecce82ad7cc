// An error in a configured value.
#pragma once

#include <optional>
#include <string>

namespace walwrap::config {

// The error, to be appended to the value: "is not a duration; write ...". nullopt: no error.
using Problem = std::optional<std::string>;

}  // namespace walwrap::config
