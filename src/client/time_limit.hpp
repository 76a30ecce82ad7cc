// How long a call may wait, and whether it should continue. Moments count from the start of the
// machine (CLOCK_MONOTONIC). Owned by one call, on its thread.
#pragma once

#include <chrono>

namespace walwrap::client {

using std::chrono::milliseconds;

milliseconds mono_now();

// As walwrap_progress_handler() takes it. None: nothing ends a call early.
struct Progress {
  int (*handler)(void*) = nullptr;
  void* context = nullptr;
};

enum class Wake { Ready, Late, Interrupted, Failed };

class TimeLimit {
 public:
  TimeLimit(milliseconds deadline, Progress progress) : deadline_(deadline), progress_(progress) {}

  milliseconds left() const;
  // Until the descriptor is ready for `events` of poll(). -1: until the time is over.
  Wake wait(int descriptor, short events) const;
  // Late: the time ends before the pause does.
  Wake pause(milliseconds length) const;

 private:
  milliseconds deadline_;
  Progress progress_;
};

}  // namespace walwrap::client
