#include "walwrap/os/console.hpp"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

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

// The app may fill a pipe that just polled as writable, since it writes to the same one; and to
// make the descriptor itself non-blocking would make the app's non-blocking, too. Where the kernel
// cannot write without waiting (files need not, terminals and pipes before Linux 6.4), it may wait.
ssize_t write_at_once(int fd, std::string_view text) {
  struct stat status {};
  const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (!is_file) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};  // only read
    const auto written = ::pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
    if (written >= 0 || errno == EAGAIN || errno == EPIPE) return written;
  }
  return ::write(fd, text.data(), text.size());
}

bool write_all(int fd, std::string_view text, int limit_ms) {
  while (!text.empty()) {
    if (!wait_until_writable(fd, limit_ms)) return false;
    // At most PIPE_BUF, because a pipe that polls as writable takes so much without blocking.
    const auto piece = text.substr(0, PIPE_BUF);
    const auto written =
        limit_ms == kNoWait ? write_at_once(fd, piece) : ::write(fd, piece.data(), piece.size());
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

bool write_line_end(const Fd& descriptor) {
  return write_all(descriptor.get(), "\n", kNoWait);
}

bool is_stdout_a_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool is_stderr_a_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace walwrap::os
