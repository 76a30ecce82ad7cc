// What the app left behind when its main process ended: asked to end, then made to.
//
// Pure; part of lifecycle's State. A process that still writes to the database during the last
// capture would make it miss something, so none may remain: TERM and CONT to each process, up to
// two seconds of what the app has left, then KILL to each, again on every look because they may
// fork.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/supervisor/grace.hpp"

namespace walwrap::supervisor {

inline constexpr std::chrono::milliseconds kQuiesceLimit{2'000};
inline constexpr std::chrono::milliseconds kLeftoverCheck{20};  // SIGCHLD tells of most sooner

struct Stragglers {
  std::optional<MonoTime> term_until;  // set: they were sent TERM
  std::optional<MonoTime> kill_until;  // set: they were killed

  enum class Answer {
    Done,  // no process is left
    Terminate,
    Wait,
    Kill,
    GiveUp,  // they survived SIGKILL: continue beside them
  };
  Answer on_look(int processes, const Timeline& line, MonoTime now);
  // No more time to end by themselves.
  void hurry(MonoTime now);
};

}  // namespace walwrap::supervisor
