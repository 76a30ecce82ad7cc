#include "walwrap/os/thread_or_here.hpp"

#include <exception>
#include <thread>
#include <utility>

namespace walwrap::os {

std::optional<Thread> try_thread(std::string name, std::function<void()> run,
                                 const std::function<void(std::string_view what)>& on_panic) {
  const auto here = std::this_thread::get_id();
  bool is_refused = false;
  // Only a failure to start one is reported on this thread, before the constructor returns.
  Thread thread(std::move(name), std::move(run),
                [&is_refused, here, on_panic](std::string_view what) {
                  if (std::this_thread::get_id() == here) {
                    is_refused = true;
                  } else {
                    on_panic(what);
                  }
                });
  if (is_refused) return std::nullopt;
  return thread;
}

Thread thread_or_here(std::string name, const std::function<void()>& run,
                      const std::function<void(std::string_view what)>& on_panic) {
  if (auto thread = try_thread(std::move(name), run, on_panic)) return *std::move(thread);
  try {
    run();
  } catch (const std::exception& exception) {
    on_panic(exception.what());
  }
  return {};
}

}  // namespace walwrap::os
