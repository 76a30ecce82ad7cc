// For what another thread does sooner or later: a test waits for it as long as it needs to be sure.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace walwrap::testing {

inline bool comes_true(const std::function<bool()>& what) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::seconds(60);
  while (Clock::now() < until) {
    if (what()) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace walwrap::testing
