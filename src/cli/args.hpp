// The words after "walwrap" -> what is asked for. Pure.
//
// `walwrap [options] -- command [args...]` runs an app; options end at "--" or at the first word
// that is not an option, and what follows is not inspected. Every other command is the first word.
// Names of commands that are reserved for later versions are refused, never run as programs.
#pragma once

#include <string>
#include <vector>

#include "walwrap/cli/arguments.hpp"

namespace walwrap::cli {

Arguments parse_arguments(const std::vector<std::string>& words);

}  // namespace walwrap::cli
