// Sizes and times as people read them. Pure.
#pragma once

#include <string>

#include "walwrap/base/types.hpp"

namespace walwrap {

std::string format_bytes(Bytes bytes);                // "512 B", "1.5 MiB", "12.0 GiB"
std::string format_rate(double bytes_per_second);     // "1.5 MiB/s"
std::string format_age(WallTime then, WallTime now);  // "now", "1m30s ago"

}  // namespace walwrap
