// `walwrap doctor`: what a start would meet here, one finding a line.
//
// Reads the platform, the disk, each database's header and its replica; puts one object into the
// replica and removes it again. Blocks in the store, which gets ten seconds for each replica.
// Opens no database with SQLite: that could create files beside it.
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
  std::function<bool()> cancelled;                 // asked often
  config::Environment environment = {};
  os::Path root = "/";  // whose disk may be the container's own
};

// 0: all is well; 1: there is a problem; 2: the configuration cannot be used.
int examine(const DoctorArguments& arguments, const DoctorSurroundings& surroundings);

}  // namespace walwrap::cli
