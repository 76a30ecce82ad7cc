#include "walwrap/os/poller.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <span>
#include <string>

#include "walwrap/base/check.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/error.hpp"

namespace walwrap::os {
namespace {

// The timer's own token; callers' tokens are small numbers or pointers.
constexpr std::uint64_t kTimerToken = std::numeric_limits<std::uint64_t>::max();
// Level triggered, so what does not fit comes with the next wait.
constexpr std::size_t kEventsPerWait = 32;

Failure descriptor_failure(std::string_view call, int descriptor) {
  const int error_number = errno;
  return errno_failure(call, "descriptor " + std::to_string(descriptor), error_number);
}

timespec timer_value(std::optional<MonoTime> deadline) {
  if (!deadline) return {};  // disarmed
  // A timerfd takes 0 for "disarm"; a deadline that early has passed, and so has 1 ns.
  const auto since_boot =
      std::max(deadline->time_since_epoch(), std::chrono::nanoseconds(1)).count();
  return {.tv_sec = static_cast<time_t>(since_boot / 1'000'000'000),
          .tv_nsec = static_cast<long>(since_boot % 1'000'000'000)};
}

Result<void> add_event(int epoll, int descriptor, std::uint64_t token) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    return descriptor_failure("epoll_ctl", descriptor);
  }
  return {};
}

}  // namespace

Result<Poller> Poller::create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return errno_failure("epoll_create1", "", errno);
  Fd timer(::timerfd_create(mono_clock_id(), TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.is_open()) return errno_failure("timerfd_create", "", errno);
  TRY(add_event(epoll.get(), timer.get(), kTimerToken));
  return Poller(std::move(epoll), std::move(timer));
}

Result<void> Poller::add(int descriptor, std::uint64_t token) {
  WW_CHECK(token != kTimerToken);
  return add_event(epoll_.get(), descriptor, token);
}

Result<void> Poller::remove(int descriptor) {
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr) != 0) {
    return descriptor_failure("epoll_ctl", descriptor);
  }
  return {};
}

Result<std::vector<Poller::Ready>> Poller::wait(std::optional<MonoTime> deadline) {
  if (deadline != armed_) {
    itimerspec when{};
    when.it_value = timer_value(deadline);
    if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) != 0) {
      return errno_failure("timerfd_settime", "", errno);
    }
    armed_ = deadline;
  }

  std::array<epoll_event, kEventsPerWait> events{};
  int count = 0;
  do {
    count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno_failure("epoll_wait", "", errno);

  std::vector<Ready> ready;
  for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) {
    if (event.data.u64 == kTimerToken) {
      std::uint64_t expirations = 0;
      // Nothing to read means that it was disarmed meanwhile, which is as well.
      if (::read(timer_.get(), &expirations, sizeof expirations) > 0) armed_.reset();
      continue;
    }
    ready.push_back({.token = event.data.u64,
                     .readable = (event.events & EPOLLIN) != 0,
                     .hung_up = (event.events & (EPOLLHUP | EPOLLERR)) != 0});
  }
  return ready;
}

}  // namespace walwrap::os
