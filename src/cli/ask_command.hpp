// `walwrap status`, `wait` and `flush`: clients of the API over its Unix socket.
#pragma once

#include <functional>
#include <string_view>

#include "walwrap/cli/ask_args.hpp"
#include "walwrap/config/config.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::cli {

struct AskSurroundings {
  const os::Clock& clock;
  std::function<void(std::string_view)> say;       // the answer
  std::function<void(std::string_view)> complain;  // the reason of a failure
  std::function<bool()> cancelled;                 // called often
  bool full_screen = false;                        // --watch may overwrite its last output
  config::Environment environment = {};
};

// 0; 1: no, or not within the time; 2: the configuration cannot be read; 3: no answer.
int ask(const AskArguments& arguments, const AskSurroundings& surroundings);

}  // namespace walwrap::cli
