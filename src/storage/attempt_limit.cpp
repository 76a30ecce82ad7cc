#include "walwrap/storage/attempt_limit.hpp"

#include <algorithm>

namespace walwrap::storage {

AttemptLimit::Verdict AttemptLimit::judge(const Patience& patience, MonoTime now) {
  if (!patience.go_on) return Verdict::GiveUp;
  if (patience.deadline != deadline_) {
    deadline_ = patience.deadline;
    if (deadline_) share_ = std::max(kShortest, (*deadline_ - now) / 2);
  }
  if (!deadline_) return Verdict::GoOn;
  if (now >= *deadline_) return Verdict::OutOfTime;
  return now - began_ > share_ ? Verdict::TryAgain : Verdict::GoOn;
}

}  // namespace walwrap::storage
