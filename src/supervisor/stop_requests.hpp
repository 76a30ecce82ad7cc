// How often we were asked to stop, and what each time means.
//
// Pure; part of lifecycle's State. Platforms repeat the signal, so what comes within two seconds of
// the first is the first. A later one is passed on, the one after that ends the app; neither costs
// the flush. Only a person at a terminal gives that up, with a third Ctrl-C.
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
  int count = 0;                  // without the swallowed ones
  int terminal_interrupts = 0;

  enum class Answer { First, Swallow, PassOn, KillApp, AbandonFlush };
  Answer on_signal(const os::ReceivedSignal& signal, MonoTime now);
};

}  // namespace walwrap::supervisor
