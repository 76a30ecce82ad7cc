// Runs a piece of a test in a process of its own, for what would change the whole test program:
// signals, terminals, standard descriptors, reaping.
#pragma once

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

#include "walwrap/base/signal_name.hpp"

namespace walwrap::testing {

inline constexpr std::chrono::seconds kChildLimit{20};

// The test program handles some signals itself, to report what kills it; a child shall not. The
// faults keep their handlers, for the sanitizers.
inline void reset_signals() {
  for (int number = 1; number <= SIGRTMAX; ++number) {
    if (std::ranges::find(kFaultSignals, number) == kFaultSignals.end()) ::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What `run` returns, or "threw: ...", or "took too long": then the child has been killed.
inline std::string in_child(const std::function<std::string()>& run) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  std::cout.flush();  // the thread sanitizer's _exit writes what stdio holds: the child's copy, too
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return "no fork";
  if (child == 0) {
    reset_signals();
    std::string text;
    try {
      text = run();
    } catch (const std::exception& exception) {
      text = std::string("threw: ") + exception.what();
    }
    [[maybe_unused]] const auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + kChildLimit;
  // Until the child has ended, not until the pipe is closed: what it started may still hold that.
  bool has_ended = false;
  while (!has_ended) {
    has_ended = ::waitpid(child, nullptr, WNOHANG) == child;
    if (!has_ended && std::chrono::steady_clock::now() > deadline) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      text += "took too long";
      break;
    }
    pollfd entry{.fd = ends[0], .events = POLLIN, .revents = 0};
    std::array<char, 4096> buffer{};
    while (::poll(&entry, 1, has_ended ? 0 : 5) > 0) {
      const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
      if (got <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(ends[0]);
  return text;
}

// What such a test returns where this machine does not allow what it needs.
inline constexpr std::string_view kSkipped = "skipped";

// Runs `run` as PID 1 of a new namespace with a /proc of its own.
inline std::string as_pid_1(const std::function<std::string()>& run) {
  return in_child([&]() -> std::string {
    if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return std::string(kSkipped);
    return in_child([&]() -> std::string {
      if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("proc", "/proc", "proc", 0, nullptr) != 0) {
        return std::string(kSkipped);
      }
      return run();
    });
  });
}

}  // namespace walwrap::testing
