#include "walwrap/os/crash_handler.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/in_child.hpp"
#include "walwrap/base/signal_name.hpp"

namespace walwrap::os {
namespace {

using testing::as_pid_1;
using testing::in_child;
using testing::kSkipped;

// What a process says that announces its faults and then does this, and how it ends.
std::string last_words(const std::function<void()>& die) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::dup2(ends[1], STDERR_FILENO);
    install_crash_handler();
    die();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::array<char, 256> buffer{};
  const auto got = ::read(ends[0], buffer.data(), buffer.size());
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ends[0]);
  return fmt::format("{}{}", std::string_view(buffer.data(), static_cast<std::size_t>(got)),
                     WIFSIGNALED(status) ? format_signal(WTERMSIG(status)) : "lives");
}

TEST_CASE("a fault signal is logged, and the process ends with its usual status") {
  CHECK(in_child([] { return last_words([] { ::kill(::getpid(), SIGSEGV); }); }) ==
        "walwrap: SIGSEGV was sent to this process; ending\nSIGSEGV");
  CHECK(in_child([] { return last_words([] { std::abort(); }); }) ==
        "walwrap: SIGABRT: a bug; ending\nSIGABRT");
  for (const int fault : kFaultSignals) {
    const auto words = in_child([&] { return last_words([&] { ::kill(::getpid(), fault); }); });
    const auto name = format_signal(fault);
    CHECK(words == fmt::format("walwrap: {} was sent to this process; ending\n{}", name, name));
  }
}

TEST_CASE("PID 1 survives a fault signal that another process sent") {
  const auto text = as_pid_1([]() -> std::string {
    ::close(STDERR_FILENO);
    install_crash_handler();
    ::kill(::getpid(), SIGSEGV);
    return "lives";
  });
  if (text == kSkipped) {
    MESSAGE("skipped: no new pid namespace here");
    return;
  }
  CHECK(text == "lives");
}

}  // namespace
}  // namespace walwrap::os
