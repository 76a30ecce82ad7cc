#include "walwrap/storage/deadline_transport.hpp"

#include <algorithm>
#include <utility>

namespace walwrap::storage {

using Verdict = AttemptLimit::Verdict;

Verdict AttemptLimit::judge(const CallBudget& budget, MonoTime now) {
  if (!budget.go_on) return Verdict::GiveUp;
  if (budget.deadline != deadline_) {
    deadline_ = budget.deadline;
    if (deadline_) share_ = std::max(kShortest, (*deadline_ - now) / 2);
  }
  if (!deadline_) return Verdict::GoOn;
  if (now >= *deadline_) return Verdict::OutOfTime;
  return now - began_ > share_ ? Verdict::TryAgain : Verdict::GoOn;
}

Result<std::unique_ptr<http::Transport>> DeadlineTransport::open(const Make& make,
                                                                 CallBudgetFn budget,
                                                                 const os::Clock& clock) {
  auto outside =
      std::unique_ptr<DeadlineTransport>(new DeadlineTransport(std::move(budget), clock));
  outside->inside_ = TRY(make([self = outside.get()] { return self->is_to_end(); }));
  return std::unique_ptr<http::Transport>(std::move(outside));
}

bool DeadlineTransport::is_to_end() {
  if (verdict_ == Verdict::GoOn) verdict_ = limit_.judge(budget_(), clock_.mono());
  return verdict_ != Verdict::GoOn;
}

Result<http::Response> DeadlineTransport::perform(const http::Request& request) {
  const MonoTime began = clock_.mono();
  limit_.begin(began);
  verdict_ = Verdict::GoOn;
  if (is_to_end() && verdict_ == Verdict::GiveUp) return fail(Code::Cancelled, "stopped");
  auto answer = inside_->perform(request);
  if (answer || answer.error().code != Code::Cancelled) return answer;
  // The caller's own sink may return it as well.
  if (verdict_ == Verdict::GoOn || verdict_ == Verdict::GiveUp) return answer;
  const auto ran = std::chrono::ceil<std::chrono::milliseconds>(clock_.mono() - began);
  return fail(Code::Unknown, "no answer in {} ms, and the deadline is near", ran.count());
}

}  // namespace walwrap::storage
