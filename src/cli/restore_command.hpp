// `walwrap restore`: from a replica's URL to a database file, or nothing at all.
//
// Blocks in the store and on the disk. Nothing of the user's is deleted: with --force the file that
// is there gets another name, once the new one is complete and checked.
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
  const Log& log;                             // what is set aside
  std::function<void(std::string_view)> say;  // text for people; any thread of ours, one at a time
  std::function<bool()> cancelled;            // asked often, by any thread
  config::Environment environment = {};       // of an object store: credentials, region, roots
  Progress::Style progress = Progress::Style::Lines;
};

// The exit code; what went wrong and what to type has been said.
int restore_to_file(const RestoreArguments& arguments, const RestoreSurroundings& surroundings);

}  // namespace walwrap::cli
