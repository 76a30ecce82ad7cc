// Ends the processes that the app left when its main process ended.
//
// Pure; part of lifecycle's State. The last capture would miss the writes of a process that still
// writes to the database, so none may remain. Each process gets TERM and CONT and up to two seconds
// of the app's remaining time, then KILL, which is repeated at each check because processes may
// fork.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/supervisor/grace.hpp"

namespace walwrap::supervisor {

inline constexpr std::chrono::milliseconds kQuiesceLimit{2'000};
inline constexpr std::chrono::milliseconds kLeftoverCheck{20};  // SIGCHLD reports most sooner

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
  // They get no more time to end by themselves.
  void hurry(MonoTime now);
};

}  // namespace walwrap::supervisor
