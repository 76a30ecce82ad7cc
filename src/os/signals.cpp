#include "walwrap/os/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "walwrap/os/error.hpp"

namespace walwrap::os {
namespace {

constexpr int kLastSignal = 64;  // of the kernel, real-time ones included
constexpr std::size_t kSignalsPerRead = 16;
constexpr std::array kFaults{SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};

struct Name {
  int number;
  std::string_view name;
};
constexpr std::array kNames{
    Name{SIGHUP, "HUP"},       Name{SIGINT, "INT"},       Name{SIGQUIT, "QUIT"},
    Name{SIGILL, "ILL"},       Name{SIGTRAP, "TRAP"},     Name{SIGABRT, "ABRT"},
    Name{SIGBUS, "BUS"},       Name{SIGFPE, "FPE"},       Name{SIGKILL, "KILL"},
    Name{SIGUSR1, "USR1"},     Name{SIGSEGV, "SEGV"},     Name{SIGUSR2, "USR2"},
    Name{SIGPIPE, "PIPE"},     Name{SIGALRM, "ALRM"},     Name{SIGTERM, "TERM"},
    Name{SIGSTKFLT, "STKFLT"}, Name{SIGCHLD, "CHLD"},     Name{SIGCONT, "CONT"},
    Name{SIGSTOP, "STOP"},     Name{SIGTSTP, "TSTP"},     Name{SIGTTIN, "TTIN"},
    Name{SIGTTOU, "TTOU"},     Name{SIGURG, "URG"},       Name{SIGXCPU, "XCPU"},
    Name{SIGXFSZ, "XFSZ"},     Name{SIGVTALRM, "VTALRM"}, Name{SIGPROF, "PROF"},
    Name{SIGWINCH, "WINCH"},   Name{SIGIO, "IO"},         Name{SIGPWR, "PWR"},
    Name{SIGSYS, "SYS"},
};

void set_disposition(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  // Refused for KILL, STOP and the C library's own two, whose disposition nobody can change.
  ::sigaction(number, &action, nullptr);
}

constexpr std::uint64_t bit_of(int number) {
  return std::uint64_t{1} << (number - 1);
}

std::optional<int> parse_number(std::string_view text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || text.starts_with('-')) return std::nullopt;
  return value;
}

// "+3" after RTMIN, "-2" after RTMAX, or nothing.
std::optional<int> parse_real_time(std::string_view offset, char sign, int base) {
  if (offset.empty()) return base;
  if (offset.front() != sign) return std::nullopt;
  const auto distance = parse_number(offset.substr(1));
  if (!distance || *distance > SIGRTMAX - SIGRTMIN) return std::nullopt;
  return sign == '+' ? base + *distance : base - *distance;
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
  for (const int fault : kFaults) ::sigdelset(&all, fault);
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

std::string format_signal(int number) {
  const auto* const found = std::ranges::find(kNames, number, &Name::number);
  if (found != kNames.end()) return fmt::format("SIG{}", found->name);
  if (number == SIGRTMIN) return "SIGRTMIN";
  if (number > SIGRTMIN && number <= SIGRTMAX) return fmt::format("SIGRTMIN+{}", number - SIGRTMIN);
  return std::to_string(number);
}

std::optional<int> parse_signal(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  });
  std::string_view name = upper;
  if (const auto number = parse_number(name)) {
    if (*number < 1 || *number > kLastSignal) return std::nullopt;
    return number;
  }
  if (name.starts_with("SIG")) name.remove_prefix(3);
  const auto* const found = std::ranges::find(kNames, name, &Name::name);
  if (found != kNames.end()) return found->number;
  if (name.starts_with("RTMIN")) return parse_real_time(name.substr(5), '+', SIGRTMIN);
  if (name.starts_with("RTMAX")) return parse_real_time(name.substr(5), '-', SIGRTMAX);
  return std::nullopt;
}

}  // namespace walwrap::os
