// Work that must not depend on a new thread, because a stop needs it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "walwrap/os/thread.hpp"

namespace walwrap::os {

// As Thread; but where none can start (the platform's limit of tasks, memory), `run` is done here
// and now, and has ended when this returns.
Thread thread_or_here(std::string name, const std::function<void()>& run,
                      const std::function<void(std::string_view what)>& on_panic);

}  // namespace walwrap::os
