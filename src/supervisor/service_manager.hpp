// Which messages a service manager gets, and how often. Pure.
//
// Source: sd_notify(3), sd_watchdog_enabled(3). READY=1 when the app runs; STOPPING=1 when a stop
// begins. While we prepare, which may be a long restore, and for a stop as long as it may take, we
// ask for the time by EXTEND_TIMEOUT_USEC. WATCHDOG=1 comes twice in each interval that was set.
// Others wait for a line on a descriptor or for a file to appear: they get Ready and Stopping.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "walwrap/os/process.hpp"

namespace walwrap::supervisor {

struct ServiceManagerRules {
  bool listens = false;                               // there is one
  std::optional<std::chrono::microseconds> watchdog;  // how long we may be silent; none: for ever
};

// While preparing, that much more time is asked for, that often.
inline constexpr std::chrono::milliseconds kPreparingExtension{30'000};
inline constexpr std::chrono::milliseconds kPreparingInterval{10'000};

struct Announcement {
  enum class Kind { Preparing, Ready, Alive, Stopping };
  Kind kind = Kind::Ready;
  os::Pid app = {};                     // Ready
  std::chrono::milliseconds needed{0};  // Preparing, Stopping: from now on
};

// The datagram.
std::string format_announcement(const Announcement& announcement);

// What NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say to the process `own`.
using Variables = std::map<std::string, std::string, std::less<>>;
ServiceManagerRules find_manager(const Variables& environment, os::Pid own);

}  // namespace walwrap::supervisor
