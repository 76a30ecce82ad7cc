// Signals as people write them. Pure. Source of names and numbers: signal(7).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace walwrap {

inline constexpr int kLastSignal = 64;  // of the kernel, real-time ones included

// "SIGTERM", "SIGRTMIN+3"; parse takes also "TERM", "term" and numbers.
std::string format_signal(int number);
std::optional<int> parse_signal(std::string_view text);

}  // namespace walwrap
