#include "walwrap/os/signals.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/in_child.hpp"
#include "walwrap/base/signal_name.hpp"

namespace walwrap::os {
namespace {

using testing::in_child;

void on_signal(int /*number*/) {}

// "SIGUSR1:ignored SIGTERM:blocked ...": what differs from a fresh process.
std::string signal_setup() {
  std::string text;
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, nullptr, &mask);
  for (int number = 1; number < SIGRTMIN - 2; ++number) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    const bool is_ignored = action.sa_handler == SIG_IGN;
    const bool is_handled = action.sa_handler != SIG_DFL && !is_ignored;
    const bool is_blocked = ::sigismember(&mask, number) == 1;
    if (is_ignored) text += format_signal(number) + ":ignored ";
    if (is_handled) text += format_signal(number) + ":handled ";
    if (is_blocked) text += format_signal(number) + ":blocked ";
  }
  return text;
}

void make_fresh() {
  for (int number = 1; number <= SIGRTMAX; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void block(int number) {
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, number);
  ::sigprocmask(SIG_BLOCK, &one, nullptr);
}

TEST_CASE("the app gets the signal mask and ignored signals that walwrap inherited") {
  const std::string result = in_child([] {
    make_fresh();
    ::signal(SIGUSR1, SIG_IGN);
    ::signal(SIGCHLD, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    block(SIGUSR2);
    block(SIGSEGV);
    const std::string before = signal_setup();
    const SignalState state = SignalState::capture_and_block();
    ::signal(SIGTERM, on_signal);
    state.restore_in_child();
    return before + "| " + signal_setup();
  });
  const std::string inherited =
      "SIGHUP:ignored SIGUSR1:ignored SIGSEGV:blocked SIGUSR2:blocked SIGCHLD:ignored ";
  CHECK(result == inherited + "| " + inherited);
}

TEST_CASE("walwrap blocks all signals but faults, waits for children and survives SIGPIPE") {
  const std::string result = in_child([] {
    make_fresh();
    ::signal(SIGCHLD, SIG_IGN);
    block(SIGFPE);
    SignalState::capture_and_block();
    return signal_setup();
  });
  for (const char* const part : {"SIGTERM:blocked ", "SIGINT:blocked ", "SIGHUP:blocked ",
                                 "SIGCHLD:blocked ", "SIGTSTP:blocked ", "SIGPIPE:ignored "}) {
    CAPTURE(result);
    CHECK(result.find(part) != std::string::npos);
  }
  for (const char* const part : {"SIGCHLD:ignored", "SIGFPE", "SIGSEGV", "SIGBUS", "SIGILL",
                                 "SIGABRT", "SIGTRAP", "SIGSYS"}) {
    CAPTURE(result);
    CHECK(result.find(part) == std::string::npos);
  }
}

std::string taken(SignalReader& reader) {
  std::string text;
  for (const ReceivedSignal& signal : reader.take()) {
    const bool is_from_us = signal.sender == ::getpid();
    text += fmt::format("{}{}{} ", format_signal(signal.number), is_from_us ? ":us" : "",
                        signal.from_kernel ? ":kernel" : "");
    if (!is_from_us && signal.sender != 0) text += "from a stranger ";
  }
  return text;
}

TEST_CASE("signals are read with their number and sender, without blocking") {
  const std::string result = in_child([] {
    SignalState::capture_and_block();
    SignalReader reader = SignalReader::create().value();
    std::string text = "[" + taken(reader) + "] ";
    ::kill(::getpid(), SIGTERM);
    text += taken(reader);
    ::kill(::getpid(), SIGRTMIN + 3);
    text += taken(reader);
    ::kill(::getpid(), SIGWINCH);  // ignored by default, yet to be forwarded
    text += taken(reader);
    return text + "[" + taken(reader) + "]";
  });
  CHECK(result == "[] SIGTERM:us SIGRTMIN+3:us SIGWINCH:us []");
}

TEST_CASE("more signals than fit in one read all arrive in later reads") {
  const std::string result = in_child([] {
    SignalState::capture_and_block();
    SignalReader reader = SignalReader::create().value();
    for (int i = 0; i < 40; ++i) ::kill(::getpid(), SIGRTMIN);
    std::size_t count = 0;
    for (int reads = 0; reads < 40 && count < 40; ++reads) count += reader.take().size();
    return std::to_string(count);
  });
  CHECK(result == "40");
}

TEST_CASE("only the kernel sends a terminal's Ctrl-C") {
  const std::string result = in_child([]() -> std::string {
    SignalState::capture_and_block();
    SignalReader reader = SignalReader::create().value();
    const Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 64> name{};
    if (!master.is_open() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name.data(), name.size()) != 0) {
      return "skipped";
    }
    ::setsid();
    const Fd slave(::open(name.data(), O_RDWR | O_CLOEXEC));
    if (::ioctl(slave.get(), TIOCSCTTY, 0) != 0) return "skipped";
    if (::write(master.get(), "\x03", 1) != 1) return "cannot type";
    pollfd entry{.fd = reader.descriptor(), .events = POLLIN, .revents = 0};
    ::poll(&entry, 1, 10'000);
    return taken(reader);
  });
  if (result == "skipped") {
    MESSAGE("skipped: no terminal can be made here");
    return;
  }
  CHECK(result == "SIGINT:kernel ");
}

}  // namespace
}  // namespace walwrap::os
