#include "walwrap/os/crash_handler.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "walwrap/base/signal_name.hpp"

namespace walwrap::os {
namespace {

// A stack that has overflowed is no place for a handler.
constexpr std::size_t kStackBytes = 16'384;
std::array<std::byte, kStackBytes> fault_stack;

// One line in one write, from what a handler may rely on: no allocation, no locale.
class Line {
 public:
  Line& add(std::string_view text) {
    for (const char c : text.substr(0, text_.size() - size_)) text_[size_++] = c;
    return *this;
  }
  void write() const {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text_.data(), size_);
  }

 private:
  std::array<char, 128> text_{};
  std::size_t size_ = 0;
};

// Async-signal-safe.
void on_fault(int signal, siginfo_t* info, void* /*context*/) {
  const bool was_sent = info->si_code == SI_USER || info->si_code == SI_QUEUE;
  Line line;
  line.add("walwrap: SIG").add(short_signal_name(signal));
  if (was_sent && ::getpid() == 1) return line.add(" was sent to PID 1; ignored\n").write();
  line.add(was_sent ? " was sent to this process; ending\n" : ": a bug; ending\n").write();
  ::signal(signal, SIG_DFL);
  // A fault comes again when the handler returns; what was sent has to be sent again.
  if (info->si_code <= 0) ::raise(signal);
}

}  // namespace

void install_crash_handler() {
  const stack_t stack{.ss_sp = fault_stack.data(), .ss_flags = 0, .ss_size = fault_stack.size()};
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  for (const int fault : kFaultSignals) ::sigaction(fault, &action, nullptr);
}

}  // namespace walwrap::os
