// Signals as people write them, and which are faults. Pure. Source: signal(7).
#pragma once

#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>

namespace walwrap {

inline constexpr int kLastSignal = 64;  // of the kernel, real-time ones included

// A fault in the receiving process; useful only there.
inline constexpr std::array kFaultSignals{SIGILL, SIGTRAP, SIGABRT, SIGBUS,
                                          SIGFPE, SIGSEGV, SIGSYS};

// "TERM"; "" for real-time signals. Async-signal-safe.
std::string_view short_signal_name(int number);
// "SIGTERM", "SIGRTMIN+3"; parse takes also "TERM", "term" and numbers.
std::string format_signal(int number);
std::optional<int> parse_signal(std::string_view text);

}  // namespace walwrap
