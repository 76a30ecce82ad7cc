// A clock that stands still until the test moves it. May be moved and read from different threads.
#pragma once

#include <atomic>
#include <chrono>

#include "walwrap/os/clock.hpp"

namespace walwrap::testing {

class ManualClock : public os::Clock {
 public:
  ManualClock() = default;
  explicit ManualClock(WallTime wall) : wall_ms_(wall.time_since_epoch().count()) {}

  MonoTime mono() const override { return MonoTime(std::chrono::nanoseconds(mono_ns_.load())); }
  WallTime wall() const override { return WallTime(std::chrono::milliseconds(wall_ms_.load())); }

  // Time passes: both clocks move.
  void advance(std::chrono::milliseconds by) {
    mono_ns_ += std::chrono::nanoseconds(by).count();
    wall_ms_ += by.count();
  }
  // Somebody sets the time of day: only the wall clock moves.
  void set_wall(WallTime wall) { wall_ms_ = wall.time_since_epoch().count(); }

 private:
  // Not zero, so that a default-constructed time is never taken for now.
  std::atomic<std::int64_t> mono_ns_{std::chrono::nanoseconds(std::chrono::hours(1)).count()};
  std::atomic<std::int64_t> wall_ms_{1'767'225'600'000};  // 2026-01-01T00:00:00Z
};

}  // namespace walwrap::testing
