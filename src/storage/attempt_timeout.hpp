// When a request that is under way is ended for the sake of the time that is left. Pure.
//
// Without a deadline only a request's own limits end it. Once there is one (a stop has begun), a
// request that hangs must not eat all of it: what has run for longer than half of what was left
// when the deadline appeared is ended, so that another try, on a fresh connection, fits in. Owned
// by the thread that makes the requests, for all of them.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/storage/call_budget.hpp"

namespace walwrap::storage {

class AttemptLimit {
 public:
  // However little is left: a request to a healthy store takes less.
  static constexpr std::chrono::nanoseconds kShortest = std::chrono::seconds(1);

  enum class Verdict {
    GoOn,
    GiveUp,     // nobody waits any longer
    TryAgain,   // it has taken its share
    OutOfTime,  // the deadline has passed
  };

  void begin(MonoTime now) { began_ = now; }
  // Of the attempt begun last.
  Verdict judge(const CallBudget& budget, MonoTime now);

 private:
  MonoTime began_{};
  std::optional<MonoTime> deadline_;  // as seen last
  std::chrono::nanoseconds share_{};  // of one attempt, while there is a deadline
};

}  // namespace walwrap::storage
