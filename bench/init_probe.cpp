// The app of bench/init: writes to standard output when its main began, then when each SIGUSR1 was
// taken, then when it ends, each as nanoseconds of CLOCK_MONOTONIC in a 64-bit integer. Ends on
// SIGTERM, or at once if it is given an argument.
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

namespace {

void tell_time() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t nanoseconds = now.tv_sec * 1'000'000'000LL + now.tv_nsec;
  if (::write(STDOUT_FILENO, &nanoseconds, sizeof nanoseconds) < 0) ::_exit(1);
}

}  // namespace

int main(int argc, char** /*argv*/) {
  sigset_t awaited;
  ::sigemptyset(&awaited);
  ::sigaddset(&awaited, SIGUSR1);
  ::sigaddset(&awaited, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
  tell_time();
  while (argc == 1) {
    int signal = 0;
    ::sigwait(&awaited, &signal);
    if (signal == SIGTERM) break;
    tell_time();
  }
  tell_time();
  return 0;
}
