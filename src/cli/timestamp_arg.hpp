// A moment as people write it: "2026-01-31T12:00:00Z" or "10 minutes ago". Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

#include "walwrap/base/types.hpp"

namespace walwrap::cli {

// A time, or an age.
using TimestampArg = std::variant<WallTime, std::chrono::milliseconds>;

std::optional<TimestampArg> parse_timestamp_arg(std::string_view text);
WallTime resolve(const TimestampArg& moment, WallTime now);

}  // namespace walwrap::cli
