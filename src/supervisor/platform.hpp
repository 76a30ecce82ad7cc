// Recognises the platform, and knows its time between the stop signal and SIGKILL.
//
// Pure: the caller collects the facts. Sources: the platforms' own documentation. Each row of the
// table in platform.cpp is one platform. A guess that is too short ends a slow app early, and one
// that is too long loses data. So an unknown platform gets ten seconds.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walwrap::supervisor {

struct PlatformFacts {
  std::map<std::string, std::string, std::less<>> environment = {};
  std::string cgroup = {};     // text of /proc/self/cgroup; "" if it cannot be read
  bool has_dockerenv = false;  // /.dockerenv or /run/.containerenv exists
  std::string named = {};      // the platform's `name` below, set by the user; "": detect it
  std::optional<std::chrono::milliseconds> grace = {};  // configured; overrides the platform's
};

// What is wrong, and what to type. Logged once.
struct PlatformWarning {
  std::string message;
  std::string hint;
};

struct Platform {
  std::string name;  // "heroku", "kubernetes", ..., "unknown"
  std::chrono::milliseconds grace{10'000};
  std::string
      source;  // where the grace comes from: "DYNO is set", "RAILWAY_DEPLOYMENT_…", "configured"
  std::vector<PlatformWarning> warnings;
  // The platform sends the stop signal to each process. Forwarding it would send it twice, which
  // many servers take for "quit now".
  bool signals_every_process = false;
  // After this time the platform gives up on a start. It limits the retries of a restore.
  std::chrono::milliseconds start_timeout{300'000};
};

Platform detect_platform(const PlatformFacts& facts);

}  // namespace walwrap::supervisor
