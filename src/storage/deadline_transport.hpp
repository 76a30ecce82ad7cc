// A Transport whose requests end when their caller stops waiting.
//
// Cancelled: the caller has stopped waiting. Unknown: ended because of the remaining time
// (AttemptLimit); it may be repeated. Everything else is the answer of the wrapped transport.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "walwrap/base/types.hpp"
#include "walwrap/http/transport.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::storage {

// When a request in progress is ended because of the remaining time.
//
// Without a deadline, only a request's own limits end it. After a deadline appeared (a stop has
// begun), a request that hangs must not use all of the time. A request that runs for longer than
// half of the time that was left when the deadline appeared is ended, so that another try on a new
// connection fits in. Owned by the thread that makes the requests, for all of them.
class AttemptLimit {
 public:
  // Even with little time left: a request to a healthy store takes less.
  static constexpr std::chrono::nanoseconds kShortest = std::chrono::seconds(1);

  enum class Verdict {
    GoOn,
    GiveUp,     // the caller has stopped waiting
    TryAgain,   // it has used its share
    OutOfTime,  // the deadline has passed
  };

  void begin(MonoTime now) { began_ = now; }
  // Of the latest attempt.
  Verdict judge(const CallBudget& budget, MonoTime now);

 private:
  MonoTime began_{};
  std::optional<MonoTime> deadline_;  // the last known one
  std::chrono::nanoseconds share_{};  // for one attempt, while there is a deadline
};

class DeadlineTransport : public http::Transport {
 public:
  // Makes the wrapped transport. It calls `cancelled` often during a request, and ends the request
  // as Cancelled when it returns true.
  using Make = std::function<Result<std::unique_ptr<http::Transport>>(
      const std::function<bool()>& cancelled)>;

  static Result<std::unique_ptr<http::Transport>> open(const Make& make, CallBudgetFn budget,
                                                       const os::Clock& clock);

  Result<http::Response> perform(const http::Request& request) override;

 private:
  DeadlineTransport(CallBudgetFn budget, const os::Clock& clock)
      : budget_(std::move(budget)), clock_(clock) {}
  bool is_to_end();

  CallBudgetFn budget_;
  const os::Clock& clock_;
  AttemptLimit limit_;
  AttemptLimit::Verdict verdict_ = AttemptLimit::Verdict::GoOn;  // during the request
  std::unique_ptr<http::Transport> inside_;                      // uses this object
};

}  // namespace walwrap::storage
