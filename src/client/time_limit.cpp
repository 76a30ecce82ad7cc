#include "walwrap/client/time_limit.hpp"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

namespace walwrap::client {
namespace {

// How often the progress handler is asked.
constexpr milliseconds kHandlerEvery{100};
// A poll for longer is repeated, so that its length fits into an int.
constexpr milliseconds kLongestPoll{60'000};

}  // namespace

milliseconds mono_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::duration_cast<milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                  std::chrono::nanoseconds(now.tv_nsec));
}

milliseconds TimeLimit::left() const {
  return std::max(deadline_ - mono_now(), milliseconds(0));
}

Wake TimeLimit::wait(int descriptor, short events) const {
  while (true) {
    if (progress_.handler != nullptr && progress_.handler(progress_.context) != 0) {
      return Wake::Interrupted;
    }
    const auto most = progress_.handler != nullptr ? kHandlerEvery : kLongestPoll;
    const auto slice = std::min(left(), most);
    pollfd wanted{.fd = descriptor, .events = events, .revents = 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(slice.count()));
    if (ready > 0) return Wake::Ready;
    if (ready < 0 && errno != EINTR) return Wake::Failed;
    if (left() == milliseconds(0)) return Wake::Late;
  }
}

Wake TimeLimit::pause(milliseconds length) const {
  if (left() <= length) return Wake::Late;
  const Wake ended = TimeLimit(mono_now() + length, progress_).wait(-1, 0);
  return ended == Wake::Late ? Wake::Ready : ended;
}

}  // namespace walwrap::client
