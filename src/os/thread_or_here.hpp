// Work that must not depend on a new thread, because a start or a stop needs it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "walwrap/os/thread.hpp"

namespace walwrap::os {

// Like Thread. nullopt: no thread can be started (the platform's limit of tasks, memory). Then
// `on_panic` is not called.
std::optional<Thread> try_thread(std::string name, std::function<void()> run,
                                 const std::function<void(std::string_view what)>& on_panic);

// Like Thread. If none can be started, `run` runs on the calling thread and has ended when this
// returns.
Thread thread_or_here(std::string name, const std::function<void()>& run,
                      const std::function<void(std::string_view what)>& on_panic);

}  // namespace walwrap::os
