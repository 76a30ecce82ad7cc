#include "walwrap/os/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "walwrap/base/signal_name.hpp"
#include "walwrap/os/error.hpp"

namespace walwrap::os {
namespace {

constexpr std::size_t kSignalsPerRead = 16;

void set_disposition(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  // Refused for KILL, STOP and the C library's own two, whose disposition cannot be changed.
  ::sigaction(number, &action, nullptr);
}

constexpr std::uint64_t bit_of(int number) {
  return std::uint64_t{1} << (number - 1);
}

ReceivedSignal received(const signalfd_siginfo& info) {
  const int code = static_cast<int>(info.ssi_code);
  const bool from_process = code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
  return {.number = static_cast<int>(info.ssi_signo),
          .from_kernel = code == SI_KERNEL,
          .sender = from_process ? static_cast<std::int32_t>(info.ssi_pid) : 0};
}

}  // namespace

sigset_t blockable_signals() {
  sigset_t all;
  ::sigfillset(&all);
  for (const int fault : kFaultSignals) ::sigdelset(&all, fault);
  return all;
}

SignalState SignalState::capture_and_block() {
  SignalState state;
  const sigset_t blocked = blockable_signals();
  ::pthread_sigmask(SIG_SETMASK, &blocked, &state.mask_);
  for (int number = 1; number <= kLastSignal; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
      state.ignored_ |= bit_of(number);
    }
  }
  set_disposition(SIGCHLD, SIG_DFL);
  set_disposition(SIGPIPE, SIG_IGN);
  return state;
}

void SignalState::restore_in_child() const {
  for (int number = 1; number <= kLastSignal; ++number) {
    set_disposition(number, (ignored_ & bit_of(number)) != 0 ? SIG_IGN : SIG_DFL);
  }
  // Last: a signal that came since the fork is delivered now, to what the app asked for.
  ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
}

Result<SignalReader> SignalReader::create() {
  const sigset_t blocked = blockable_signals();
  Fd fd(::signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open()) return errno_failure("signalfd", "", errno);
  return SignalReader(std::move(fd));
}

std::vector<ReceivedSignal> SignalReader::take() {
  std::vector<ReceivedSignal> signals;
  std::array<signalfd_siginfo, kSignalsPerRead> buffer{};
  const ssize_t got = ::read(fd_.get(), buffer.data(), sizeof buffer);
  // Nothing pending, or interrupted by a stop: the poller will say so again.
  if (got <= 0) return signals;
  const auto count = static_cast<std::size_t>(got) / sizeof buffer.front();
  std::transform(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count),
                 std::back_inserter(signals), received);
  return signals;
}

}  // namespace walwrap::os
