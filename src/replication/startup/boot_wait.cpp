#include "walwrap/replication/startup/boot_wait.hpp"

#include <algorithm>
#include <utility>

#include "walwrap/replication/startup/start_retry.hpp"

namespace walwrap::replication {
namespace {

constexpr std::chrono::milliseconds kCancelPoll{50};

}  // namespace

Result<void> BootWait::after(const Error& error) {
  if (error.code == Code::Deadline) {
    return fail(Code::Unavailable, "{}; --start-timeout sets how long a start waits", error.text);
  }
  if (error.code == Code::Denied) ++denials_;
  const auto pause_now = pause_before_retry(error.code, denials_);
  if (!pause_now || clock_.mono() >= give_up_) return fail(error);
  if (!std::exchange(is_said_, true)) {
    const auto limit = error.code == Code::Denied ? std::min(request_.start_timeout, kDeniedLimit)
                                                  : request_.start_timeout;
    log_.warn("start has to wait", {{"db", request_.database.string()},
                                    {"cause", error.text},
                                    {"give_up_after", format_duration(limit)}});
  }
  return pause(*pause_now);
}

Result<void> BootWait::pause(std::chrono::milliseconds pause) const {
  const MonoTime until = clock_.mono() + pause;
  while (clock_.mono() < until) {
    if (request_.cancelled()) return fail(Code::Cancelled, "stopped during the start");
    os::pause_for(std::min<std::chrono::nanoseconds>(kCancelPoll, until - clock_.mono()));
  }
  return {};
}

}  // namespace walwrap::replication
