#include "walwrap/base/signal_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "walwrap/base/decimal.hpp"

namespace walwrap {
namespace {

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

// "+3" after RTMIN, "-2" after RTMAX, or nothing.
std::optional<int> parse_real_time(std::string_view offset, char sign, int base) {
  if (offset.empty()) return base;
  if (offset.front() != sign) return std::nullopt;
  const auto distance = parse_decimal<int>(offset.substr(1));
  if (!distance || *distance < 0 || *distance > SIGRTMAX - SIGRTMIN) return std::nullopt;
  return sign == '+' ? base + *distance : base - *distance;
}

}  // namespace

std::string_view short_signal_name(int number) {
  const auto* const found = std::ranges::find(kNames, number, &Name::number);
  return found == kNames.end() ? std::string_view() : found->name;
}

std::string format_signal(int number) {
  if (const auto name = short_signal_name(number); !name.empty()) return fmt::format("SIG{}", name);
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
  if (const auto number = parse_decimal<int>(name)) {
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

}  // namespace walwrap
