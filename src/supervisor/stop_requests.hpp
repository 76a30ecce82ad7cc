// Counts the requests to stop, and says what each one does.
//
// Pure; part of lifecycle's State. Platforms repeat the signal, so repeats within two seconds count
// as the first request. A later one is passed on, and the next one ends the app. Neither cancels
// the flush. Only a person at a terminal can cancel it, with a third Ctrl-C.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/os/signals.hpp"

namespace walwrap::supervisor {

inline constexpr std::chrono::milliseconds kSwallowRepeated{2'000};
inline constexpr int kAbandonInterrupts = 3;

struct StopRequests {
  std::optional<MonoTime> first;  // set: the platform's clock is running
  int count = 0;                  // without the repeats
  int terminal_interrupts = 0;

  enum class Answer { First, Swallow, PassOn, KillApp, AbandonFlush };
  Answer on_signal(const os::ReceivedSignal& signal, MonoTime now);
};

}  // namespace walwrap::supervisor
