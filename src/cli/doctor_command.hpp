// `walwrap doctor`: what a start would find here, one finding per line.
//
// Reads the platform, the disk, each database's header and its replica. Puts one object into the
// replica and removes it again. Blocks in the store, for at most ten seconds per replica. Opens no
// database with SQLite, because that could create files beside it.
#pragma once

#include <functional>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/cli/arguments.hpp"
#include "walwrap/config/config.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::cli {

struct DoctorSurroundings {
  const os::Clock& clock;
  const Log& log;
  std::function<void(std::string_view)> say;       // the findings
  std::function<void(std::string_view)> complain;  // what prevents the checks
  std::function<bool()> cancelled;                 // called often
  config::Environment environment = {};
  os::Path root = "/";  // its disk may be the container's own
};

// 0: no problem; 1: there is a problem; 2: the configuration cannot be used.
int examine(const DoctorArguments& arguments, const DoctorSurroundings& surroundings);

}  // namespace walwrap::cli
