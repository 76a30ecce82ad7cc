// What is wrong with a configured value.
#pragma once

#include <optional>
#include <string>

namespace walwrap::config {

// What is wrong with a value, to be put after it: "is not a duration: write ...". nullopt: fine.
using Problem = std::optional<std::string>;

}  // namespace walwrap::config
