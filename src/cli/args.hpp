// The words after "walwrap" -> the requested command. Pure.
//
// `walwrap [options] -- command [args...]` runs an app. Options end at "--" or at the first word
// that is not an option, and the rest is not inspected. Every other command is the first word.
// Reserved names of later commands are refused and never run as programs.
#pragma once

#include <string>
#include <vector>

#include "walwrap/cli/arguments.hpp"

namespace walwrap::cli {

Arguments parse_arguments(const std::vector<std::string>& words);

}  // namespace walwrap::cli
