#include "walwrap/os/console.hpp"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace walwrap::os {
namespace {

constexpr int kNoWait = 0;
constexpr int kForAsLongAsItTakes = -1;

bool wait_until_writable(int fd, int limit_ms) {
  pollfd entry{fd, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&entry, 1, limit_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0 && (entry.revents & POLLOUT) != 0;
}

bool write_all(int fd, std::string_view text, int limit_ms) {
  while (!text.empty()) {
    if (!wait_until_writable(fd, limit_ms)) return false;
    // At most PIPE_BUF, because a pipe that polls as writable takes so much without blocking.
    const auto written = ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && (errno != EAGAIN || limit_ms == kNoWait)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool write_stderr(std::string_view text) {
  return write_all(STDERR_FILENO, text, kNoWait);
}

bool write_stdout(std::string_view text) {
  return write_all(STDOUT_FILENO, text, kForAsLongAsItTakes);
}

bool is_stderr_a_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace walwrap::os
