// Which platform we run on, and how long it waits between the stop signal and SIGKILL.
//
// Pure: the caller collects the facts. Sources: the platforms' own documentation; each row of the
// table in platform.cpp is one platform. A grace that is guessed too short ends a slow app early,
// one guessed too long loses data, so an unknown platform gets ten seconds.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walwrap::supervisor {

struct HostFacts {
  std::map<std::string, std::string, std::less<>> environment = {};
  std::string cgroup = {};     // text of /proc/self/cgroup; "" if it cannot be read
  bool has_dockerenv = false;  // /.dockerenv or /run/.containerenv exists
  std::string named = {};      // the platform's `name` below, set by the user; "": detect it
  std::optional<std::chrono::milliseconds> grace = {};  // configured; wins over the platform's
};

// What is wrong, and what to type. To be said once.
struct HostWarning {
  std::string message;
  std::string hint;
};

struct Platform {
  std::string name;  // "heroku", "kubernetes", ..., "unknown"
  std::chrono::milliseconds grace{10'000};
  std::string
      source;  // why we believe the grace: "DYNO is set", "RAILWAY_DEPLOYMENT_…", "configured"
  std::vector<HostWarning> warnings;
  // Each process gets the stop signal from the platform: forwarding it would be a second one, which
  // many servers take for "quit now".
  bool signals_every_process = false;
  // After this the platform gives up on a start; how long a restore may retry.
  std::chrono::milliseconds start_timeout{300'000};
};

Platform detect_host(const HostFacts& facts);

}  // namespace walwrap::supervisor
