// Time, as a seam: tests give a ManualClock. `mono` counts suspend too (CLOCK_BOOTTIME).
#pragma once

#include "walwrap/base/types.hpp"

namespace walwrap::os {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() const = 0;
  virtual WallTime wall() const = 0;
};

// The machine's clocks. Stateless, so one serves all threads.
//
// Its MonoTime is not comparable with std::chrono::steady_clock::now(), which stands still during
// suspend: take both ends of an interval from here.
class SystemClock : public Clock {
 public:
  MonoTime mono() const override;
  WallTime wall() const override;
};

// The clockid_t behind SystemClock::mono(), for timers that must agree with it: CLOCK_BOOTTIME, or
// CLOCK_MONOTONIC where a sandbox refuses either reading it or a timerfd on it.
int mono_clock_id();

// Sleeps for about that long, whatever signals say.
void pause_for(std::chrono::nanoseconds duration);

// 64 bits from getrandom(2).
std::uint64_t random_u64();

}  // namespace walwrap::os
