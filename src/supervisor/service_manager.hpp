// Decides which messages a service manager gets, and how often. Pure.
//
// Source: sd_notify(3), sd_watchdog_enabled(3). READY=1 when the app runs; STOPPING=1 when a stop
// begins. EXTEND_TIMEOUT_USEC asks for more time during the preparation, which may be a long
// restore, and for the whole stop. WATCHDOG=1 is sent twice in each configured interval. Programs
// that wait for a line on a descriptor or for a file get only Ready and Stopping.
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
  bool listens = false;                               // there is a service manager
  std::optional<std::chrono::microseconds> watchdog;  // interval for WATCHDOG=1; none: no watchdog
};

// During the preparation: how much more time is requested, and how often.
inline constexpr std::chrono::milliseconds kPreparingExtension{30'000};
inline constexpr std::chrono::milliseconds kPreparingInterval{10'000};

struct Announcement {
  enum class Kind { Preparing, Ready, Alive, Stopping };
  Kind kind = Kind::Ready;
  os::Pid app = {};                     // Ready
  std::chrono::milliseconds needed{0};  // Preparing, Stopping: from now on
};

// The text of the datagram.
std::string format_announcement(const Announcement& announcement);

// What NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID mean for the process `own`.
using Variables = std::map<std::string, std::string, std::less<>>;
ServiceManagerRules find_manager(const Variables& environment, os::Pid own);

}  // namespace walwrap::supervisor
