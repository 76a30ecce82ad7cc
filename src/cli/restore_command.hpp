// `walwrap restore`: from a replica's URL to a complete database file or to no file.
//
// Blocks in the store and on the disk. Nothing of the user's is deleted: with --force the existing
// file gets another name after the new one is complete and checked.
#pragma once

#include <functional>
#include <string_view>

#include "walwrap/base/log.hpp"
#include "walwrap/base/progress.hpp"
#include "walwrap/cli/arguments.hpp"
#include "walwrap/config/config.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::cli {

struct RestoreSurroundings {
  const os::Clock& clock;
  const Log& log;                             // the file set aside
  std::function<void(std::string_view)> say;  // text for people; from any thread, one at a time
  std::function<bool()> cancelled;            // called often, by any thread
  config::Environment environment = {};       // for an object store: credentials, region, CA file
  Progress::Style progress = Progress::Style::Lines;
};

// The exit code. The error and what to type were printed.
int restore_to_file(const RestoreArguments& arguments, const RestoreSurroundings& surroundings);

}  // namespace walwrap::cli
