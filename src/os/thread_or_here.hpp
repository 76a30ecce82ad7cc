// Work that must not depend on a new thread, because a stop needs it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "walwrap/os/thread.hpp"

namespace walwrap::os {

// Like Thread. If no thread can be started (the platform's limit of tasks, memory), `run` runs on
// the calling thread and has ended when this returns.
Thread thread_or_here(std::string name, const std::function<void()>& run,
                      const std::function<void(std::string_view what)>& on_panic);

}  // namespace walwrap::os
