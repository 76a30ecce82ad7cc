// A Transport whose requests end when their caller has lost patience.
//
// Cancelled: nobody waits any longer. Unknown: ended for the sake of the time that is left
// (attempt_limit.hpp); it may be repeated. Everything else is the answer of the transport inside.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "walwrap/http/transport.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/storage/attempt_timeout.hpp"
#include "walwrap/storage/call_budget.hpp"

namespace walwrap::storage {

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
      : patience_(std::move(budget)), clock_(clock) {}
  bool is_to_end();

  CallBudgetFn patience_;
  const os::Clock& clock_;
  AttemptLimit limit_;
  AttemptLimit::Verdict verdict_ = AttemptLimit::Verdict::GoOn;  // on the request under way
  std::unique_ptr<http::Transport> inside_;                      // asks this object
};

}  // namespace walwrap::storage
