#include "walwrap/os/thread_or_here.hpp"

#include <exception>
#include <thread>
#include <utility>

namespace walwrap::os {

Thread thread_or_here(std::string name, const std::function<void()>& run,
                      const std::function<void(std::string_view what)>& on_panic) {
  const auto here = std::this_thread::get_id();
  bool is_refused = false;
  // Only a failure to start one is reported on this thread, before the constructor returns.
  Thread thread(std::move(name), run, [&is_refused, here, on_panic](std::string_view what) {
    if (std::this_thread::get_id() == here) {
      is_refused = true;
    } else {
      on_panic(what);
    }
  });
  if (!is_refused) return thread;
  try {
    run();
  } catch (const std::exception& exception) {
    on_panic(exception.what());
  }
  return thread;
}

}  // namespace walwrap::os
