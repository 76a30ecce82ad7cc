#include "walwrap/storage/attempt_timeout.hpp"

#include <algorithm>

namespace walwrap::storage {

AttemptLimit::Verdict AttemptLimit::judge(const CallBudget& budget, MonoTime now) {
  if (!budget.go_on) return Verdict::GiveUp;
  if (budget.deadline != deadline_) {
    deadline_ = budget.deadline;
    if (deadline_) share_ = std::max(kShortest, (*deadline_ - now) / 2);
  }
  if (!deadline_) return Verdict::GoOn;
  if (now >= *deadline_) return Verdict::OutOfTime;
  return now - began_ > share_ ? Verdict::TryAgain : Verdict::GoOn;
}

}  // namespace walwrap::storage
