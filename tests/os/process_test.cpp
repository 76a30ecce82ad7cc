#include "walwrap/os/process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "tests/support/child_end.hpp"
#include "tests/support/in_child.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/signals.hpp"

namespace walwrap::os {
namespace {

using testing::as_pid_1;
using testing::in_child;
using testing::kSkipped;
using testing::wait_for_end;

int sleep_until_killed() {
  for (int i = 0; i < 60; ++i) ::sleep(1);
  return 1;
}

TEST_CASE("an exit status is written as a shell shows it") {
  CHECK(ExitStatus{.code = 3, .signal = 0}.as_shell_code() == 3);
  CHECK(ExitStatus{.code = 0, .signal = SIGTERM}.as_shell_code() == 143);
}

TEST_CASE("an ended child is reaped once with its status") {
  const std::string result = in_child([] {
    std::string text = reap_one() ? "one before any " : "";
    fork_worker([] { return 7; }).value();
    text += wait_for_end() + " ";
    const Pid child = fork_worker(sleep_until_killed).value();
    text += reap_one() ? "reaped while running " : "";
    send_signal(child, SIGTERM);
    text += wait_for_end() + " ";
    text += reap_one() ? "one too many" : "none";
    return text + (send_signal(child, SIGTERM) ? " still there" : " gone");
  });
  CHECK(result == "7/0 0/15 none gone");
}

TEST_CASE("the environment is read as it was inherited") {
  CHECK(environment("PATH").has_value());
  CHECK_FALSE(environment("WALWRAP_NO_SUCH_VARIABLE").has_value());
  const auto all = all_environment();
  CHECK(std::ranges::find(all, "PATH=" + environment("PATH").value()) != all.end());
}

TEST_CASE("closed standard descriptors are filled for walwrap and closed for the app") {
  const std::string result = in_child([] {
    ::close(STDIN_FILENO);
    ::close(STDERR_FILENO);
    if (!fill_standard_descriptors()) return std::string("failed");
    std::string text;
    for (const char* const name : {"/proc/self/fd/0", "/proc/self/fd/2"}) {
      text += std::filesystem::read_symlink(name).string() + " ";
    }
    for (const int descriptor : {0, 1, 2}) {
      text += (::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0 ? "ours " : "inherited ";
    }
    return text;
  });
  CHECK(result == "/dev/null /dev/null ours inherited ours ");
}

TEST_CASE("a worker's result is its exit code, and an exception gives 70") {
  const std::string result = in_child([] {
    SignalState::capture_and_block();
    fork_worker([] { return 5; }).value();
    std::string text = wait_for_end() + " ";
    fork_worker([]() -> int { throw Panic("a bug"); }).value();
    text += wait_for_end() + " ";
    const Pid worker = fork_worker([] {
                         ::kill(::getpid(), SIGTERM);  // blocked: it stays pending
                         return 6;
                       }).value();
    text += wait_for_end();
    return text + (worker > Pid{1} ? "" : " no pid");
  });
  CHECK(result == "5/0 70/0 6/0");
}

TEST_CASE("a process shows the name that it was given") {
  const std::string result = in_child([] {
    set_process_name("walwrap: replicator");
    return std::string(as_text(read_file("/proc/self/comm", 100).value()));
  });
  CHECK(result == "walwrap: replic\n");
}

// A pipe whose other end is held by processes that are to report.
struct Reports {
  std::array<int, 2> ends{};
  Reports() { [[maybe_unused]] const int result = ::pipe2(ends.data(), O_CLOEXEC); }
  void send() const {
    const pid_t own = ::getpid();
    [[maybe_unused]] const auto written = ::write(ends[1], &own, sizeof own);
  }
  Pid take() const {
    Pid pid;
    [[maybe_unused]] const auto got = ::read(ends[0], &pid.value, sizeof pid.value);
    return pid;
  }
};

std::vector<Pid> sorted_pids(std::vector<Pid> pids) {
  std::ranges::sort(pids);
  return pids;
}

TEST_CASE("descendants are found whatever their names, until they end") {
  const std::string result = in_child([] {
    become_subreaper();
    const Reports reports;
    const Pid child = fork_worker([&] {
                        set_process_name("a) Z 1 1 (b");
                        fork_worker([&] {
                          reports.send();
                          return sleep_until_killed();
                        }).value();
                        return sleep_until_killed();
                      }).value();
    const Pid grandchild = reports.take();
    std::string text =
        sorted_pids(descendants()) == sorted_pids({child, grandchild}) ? "both " : "others ";

    send_signal(child, SIGKILL);  // the grandchild becomes ours
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child.value), &info, WEXITED | WNOWAIT);
    text += descendants() == std::vector{grandchild} ? "one " : "others ";
    send_signal(grandchild, SIGKILL);
    text += wait_for_end() + " " + wait_for_end() + " ";
    return text + (descendants().empty() ? "none" : "some");
  });
  CHECK(result == "both one 0/9 0/9 none");
}

TEST_CASE("a wrong pid never sends a signal to all processes") {
  CHECK_THROWS_AS(send_signal(Pid{0}, 0), Panic);
  CHECK_THROWS_AS(send_signal(Pid{-1}, 0), Panic);
  CHECK_THROWS_AS(send_signal_to_group(Pid{1}, 0), Panic);
  CHECK_THROWS_AS(send_signal_to_group(Pid{0}, 0), Panic);
}

TEST_CASE("as PID 1 all processes of the namespace are descendants, also adopted ones") {
  const std::string result = as_pid_1([]() -> std::string {
    const Reports reports;
    fork_worker([&] {
      fork_worker([&] {
        ::setsid();
        reports.send();
        return sleep_until_killed();
      }).value();
      return 0;
    }).value();
    const Pid grandchild = reports.take();
    std::string text = wait_for_end() + " ";
    text += descendants() == std::vector{grandchild} ? "found " : "not found ";
    send_signal(grandchild, SIGKILL);
    text += wait_for_end() + " ";
    return text + (descendants().empty() ? "none" : "some");
  });
  if (result == kSkipped) {
    MESSAGE("skipped: no new pid namespace here");
    return;
  }
  CHECK(result == "0/0 found 0/9 none");
}

TEST_CASE("a waiting shell gives job control, and a session of walwrap's own gives none") {
  const auto in_group = [](const std::function<void()>& before) {
    return testing::in_child([&]() -> std::string {
      before();
      const pid_t child = ::fork();
      if (child == 0) {
        ::setpgid(0, 0);
        ::_exit(has_job_control() ? 1 : 0);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      const std::string ours = has_job_control() ? "we have it" : "we have none";
      return fmt::format("{}, a job of ours {}", ours, WEXITSTATUS(status));
    });
  };
  CHECK(in_group([] { ::setsid(); }) == "we have none, a job of ours 1");
  CHECK(in_group([] { ::setpgid(0, 0); }) == "we have it, a job of ours 1");
}

TEST_CASE("a stopped child is reported once and does not count as ended") {
  const std::string told = testing::in_child([]() -> std::string {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    std::string text;
    ::kill(child, SIGSTOP);
    for (int i = 0; i < 500 && text.empty(); ++i) {
      ::usleep(10'000);
      if (const auto stopped = take_stopped()) {
        text = fmt::format("{} {}", stopped->pid.value == child, stopped->signal == SIGSTOP);
      }
    }
    if (take_stopped()) text += " twice";
    if (reap_one()) text += " reaped";
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return text;
  });
  CHECK(told == "true true");
}

}  // namespace
}  // namespace walwrap::os
