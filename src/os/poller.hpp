// epoll: waits for any of several descriptors, or for a deadline. Owned by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

class Poller {
 public:
  static Result<Poller> create();

  // `token` comes back from wait(), any value but the largest. The descriptor stays the caller's
  // and must outlive its entry. Level triggered: an unread descriptor is reported again.
  Result<void> add(int descriptor, std::uint64_t token);
  Result<void> remove(int descriptor);

  struct Ready {
    std::uint64_t token = 0;
    bool readable = false;
    bool hung_up = false;  // the other end is gone, or an error is pending
  };
  // Blocks until something is ready or `deadline` has passed (nullopt: no deadline). Empty: it
  // passed. Deadlines are on the monotonic clock of os::Clock, kept to 1 ms or better.
  Result<std::vector<Ready>> wait(std::optional<MonoTime> deadline);

 private:
  explicit Poller(Fd epoll, Fd timer) : epoll_(std::move(epoll)), timer_(std::move(timer)) {}
  Fd epoll_;
  Fd timer_;                       // a timerfd: 0 wake-ups while no deadline is set
  std::optional<MonoTime> armed_;  // what the timer is set to; nullopt: disarmed
};

}  // namespace walwrap::os
