// A Transport whose requests end when their caller has lost patience.
//
// Cancelled: nobody waits any longer. Unknown: ended for the sake of the time that is left
// (AttemptLimit); it may be repeated. Everything else is the answer of the transport inside.
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

// When a request that is under way is ended for the sake of the time that is left.
//
// Without a deadline only a request's own limits end it. Once there is one (a stop has begun), a
// request that hangs must not eat all of it: what has run for longer than half of what was left
// when the deadline appeared is ended, so that another try, on a fresh connection, fits in. Owned
// by the thread that makes the requests, for all of them.
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

class DeadlineTransport : public http::Transport {
 public:
  // Makes the transport inside. It asks `cancelled` often while a request is under way, and ends
  // the request as Cancelled when it says true.
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
  AttemptLimit::Verdict verdict_ = AttemptLimit::Verdict::GoOn;  // on the request under way
  std::unique_ptr<http::Transport> inside_;                      // asks this object
};

}  // namespace walwrap::storage
