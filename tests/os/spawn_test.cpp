#include "walwrap/os/spawn.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "tests/support/child_end.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/base/signal_name.hpp"
#include "walwrap/os/atomic_file.hpp"

namespace walwrap::os {
namespace {

using testing::as_pid_1;
using testing::in_child;
using testing::kSkipped;
using testing::TempDir;
using testing::wait_for_end;

SpawnOptions options_for(std::vector<std::string> command) {
  SpawnOptions options;
  options.command = std::move(command);
  options.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  return options;
}

// Runs a command to its end; its output, or the code of an exec that failed.
std::string output_of(const SpawnOptions& options) {
  const TempDir dir;
  const Path path = dir / "output";
  const File file = File::open(path, File::Open::CreateNew).value();
  ::dup2(file.descriptor(), STDOUT_FILENO);
  ::dup2(file.descriptor(), STDERR_FILENO);
  const Spawned spawned = spawn(options).value();
  if (spawned.failed && spawned.failed->step == SpawnStep::BecomeUser) {
    return fmt::format("cannot become the user: {}", spawned.failed->error_number);
  }
  if (spawned.failed) return fmt::format("exec failed: {}", spawned.failed->as_shell_code());
  const std::string end = wait_for_end();
  const auto text = read_file(path, 1 << 20).value();
  return std::string(as_text(text)) + (end == "0/0" ? "" : end);
}

void write_script(const Path& path, std::string_view text, mode_t mode) {
  auto file = AtomicFile::create(path).value();
  REQUIRE(file.write(as_bytes(text)).has_value());
  REQUIRE(file.commit(AtomicFile::Publish::Replace).has_value());
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

TEST_CASE("an app that cannot be executed is distinguished from one that is not found") {
  const TempDir dir;
  write_script(dir / "plain", "exit 7", 0644);
  write_script(dir / "runs", "exit 7", 0755);
  struct Row {
    std::string program;
    std::string result;
  };
  for (const Row& row : {
           Row{"/nowhere/app", "exec failed: 127"},
           Row{"no-such-program-anywhere", "exec failed: 127"}, Row{"", "exec failed: 127"},
           Row{dir.path().string(), "exec failed: 126"},
           Row{(dir / "plain").string(), "exec failed: 126"},
           Row{(dir / "runs").string(), "7/0"},  // no "#!": the shell runs it, as execvp does
       }) {
    CAPTURE(row.program);
    const std::string result = in_child([&] {
      const std::string text = output_of(options_for({row.program}));
      return text + (reap_one() ? " left a child" : "");
    });
    CHECK(result == row.result);
  }
  CHECK(spawn({}).error().code == Code::Invalid);
}

TEST_CASE("a command is searched in the given PATH, and files that cannot be run are skipped") {
  const TempDir dir;
  REQUIRE(make_directories(dir / "one", 0755).has_value());
  REQUIRE(make_directories(dir / "two", 0755).has_value());
  write_script(dir / "one" / "tool", "#!/bin/sh\necho one\n", 0644);
  write_script(dir / "two" / "tool", "#!/bin/sh\necho two $0 $1\n", 0755);
  const std::string one = (dir / "one").string();
  const std::string two = (dir / "two").string();
  struct Row {
    std::string path;
    std::string result;
  };
  for (const Row& row : {
           Row{"PATH=" + one + ":" + two, "two " + two + "/tool argument\n"},
           Row{"PATH=" + one, "exec failed: 126"},
           Row{"PATH=/nowhere", "exec failed: 127"},
           Row{"HOME=/", "exec failed: 127"},
           Row{"PATH=", "two tool argument\n"},  // an empty entry is the current directory
           Row{"PATH=/nowhere:", "two tool argument\n"},
       }) {
    CAPTURE(row.path);
    const std::string result = in_child([&] {
      SpawnOptions options = options_for({"tool", "argument"});
      options.environment = {row.path};
      return ::chdir(two.c_str()) == 0 ? output_of(options) : "no directory";
    });
    CHECK(result == row.result);
  }
}

TEST_CASE("the app gets the given environment and nothing else") {
  const std::string result = in_child([] {
    SpawnOptions options = options_for({"/usr/bin/env"});
    options.environment = {"ONE=1", "TWO=two words"};
    return output_of(options);
  });
  CHECK(result == "ONE=1\nTWO=two words\n");
}

TEST_CASE("the app gets the inherited sockets and its own pid in LISTEN_PID") {
  const std::string result = in_child([] {
    SpawnOptions options = options_for({"sh", "-c",
                                        "[ $LISTEN_PID = $$ ] && echo app; "
                                        "[ $MAINPID = $PPID ] && echo ours; echo $LISTEN_FDS"});
    options.environment = {"PATH=/usr/bin:/bin", fmt::format("MAINPID={}", ::getpid()),
                           fmt::format("LISTEN_PID={}", ::getpid()), "LISTEN_FDS=1"};
    return output_of(options);
  });
  CHECK(result == "app\nours\n1\n");
  const std::string other = in_child([] {
    SpawnOptions options = options_for({"sh", "-c", "echo $LISTEN_PID"});
    options.environment = {"PATH=/usr/bin:/bin", "LISTEN_PID=1234567"};
    return output_of(options);
  });
  CHECK(other == "1234567\n");
}

TEST_CASE("the app becomes the configured user, with exactly that user's groups") {
  const auto run_as = [](const User& user, bool as_nobody) {
    return in_child([&]() -> std::string {
      if (as_nobody && ::setresuid(65'534, 65'534, 65'534) != 0) return std::string(kSkipped);
      SpawnOptions options = options_for({"sh", "-c", "id -u; id -g; id -G; echo $HOME; umask"});
      options.environment.emplace_back("HOME=/left/alone");
      options.user = user;
      ::umask(027);
      return output_of(options);
    });
  };
  if (::geteuid() != 0) return;
  CHECK(run_as({1234, 1235, {1235, 1300}}, false) == "1234\n1235\n1235 1300\n/left/alone\n0027\n");
  // Not root: the one it is already is as good as granted, another is not to be had.
  CHECK(run_as({65'534, 0, {0}}, true).starts_with("65534\n0\n"));
  CHECK(run_as({1234, 1235, {1235}}, true) == "cannot become the user: 1");
}

TEST_CASE("the app gets the signal mask and ignored signals that it would have had alone") {
  const auto signal_lines = [](const SignalState* state) {
    SpawnOptions options = options_for({"grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status"});
    options.signals = state;
    return output_of(options);
  };
  const auto set_up = [] {
    ::signal(SIGUSR1, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGUSR2);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  };
  const std::string bare = in_child([&] {
    set_up();
    return signal_lines(nullptr);
  });
  const std::string under_us = in_child([&] {
    set_up();
    const SignalState state = SignalState::capture_and_block();
    return signal_lines(&state);
  });
  CHECK(bare.find("SigBlk:\t0000000000000800") != std::string::npos);
  CHECK(under_us == bare);
}

TEST_CASE("the app inherits no descriptor of walwrap") {
  const TempDir dir;
  const std::string result = in_child([&] {
    const File ours = File::open(dir / "our-file", File::Open::CreateNew).value();
    return output_of(options_for({"sh", "-c", "ls -l /proc/self/fd | grep -e our-file -e pipe"}));
  });
  CHECK(result.find("our-file") == std::string::npos);
}

TEST_CASE("the app leads its own process group, which can be signalled at once") {
  const std::string result = in_child([] {
    std::string text;
    for (int i = 0; i < 20; ++i) {
      const Spawned spawned = spawn(options_for({"sleep", "60"})).value();
      if (::getpgid(spawned.pid.value) != spawned.pid.value) text += "not its leader ";
      if (!send_signal_to_group(spawned.pid, SIGKILL)) text += "no group ";
      const std::string end = wait_for_end();
      if (end != "0/9") text += end + " ";
    }
    return text;
  });
  CHECK(result == "");
}

TEST_CASE("the app is killed first when memory runs out") {
  const std::string before = in_child([] {
    return output_of(options_for({"cat", "/proc/self/oom_score_adj"}));
  });
  const std::string after = in_child([] {
    SpawnOptions options = options_for({"cat", "/proc/self/oom_score_adj"});
    options.oom_score_raise = 300;
    return output_of(options);
  });
  const std::string at_most = in_child([] {
    SpawnOptions options = options_for({"cat", "/proc/self/oom_score_adj"});
    options.oom_score_raise = 5000;
    return output_of(options);
  });
  CHECK(std::stoi(after) == std::min(std::stoi(before) + 300, 1000));
  CHECK(std::stoi(at_most) == 1000);
}

TEST_CASE("the app gets SIGTERM when init dies, also as another user") {
  const auto ends_of_orphaned = [](const std::optional<User>& user) {
    return in_child([&] {
      SignalState::capture_and_block();
      become_subreaper();
      sigset_t none;
      ::sigemptyset(&none);
      fork_worker([&] {
        SpawnOptions options = options_for({"sleep", "60"});
        options.user = user;
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        return spawn(options).has_value() ? 0 : 1;
      }).value();
      // The worker's end and, once it is our child, the app's; in either order of reaping.
      std::vector<std::string> ends{wait_for_end(), wait_for_end()};
      std::ranges::sort(ends);
      return fmt::format("{}", fmt::join(ends, " "));
    });
  };
  CHECK(ends_of_orphaned({}) == "0/0 0/15");
  if (::geteuid() == 0) CHECK(ends_of_orphaned(User{1234, 1235, {1235}}) == "0/0 0/15");
}

// A new terminal as our controlling one and our descriptor 0; false where none can be made.
struct Terminal {
  Fd master;
  bool is_ours = false;
  Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    std::array<char, 64> name{};
    if (!master.is_open() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) return;
    if (::ptsname_r(master.get(), name.data(), name.size()) != 0) return;
    ::setsid();
    const Fd slave(::open(name.data(), O_RDWR | O_CLOEXEC));
    is_ours = ::ioctl(slave.get(), TIOCSCTTY, 0) == 0 && ::dup2(slave.get(), STDIN_FILENO) == 0;
  }
};

TEST_CASE("the app gets walwrap's terminal, and walwrap takes it back when the app ends") {
  const std::string result = in_child([]() -> std::string {
    SignalState::capture_and_block();
    const Terminal terminal;
    if (!terminal.is_ours) return std::string(kSkipped);
    const Spawned app = spawn(options_for({"sleep", "60"})).value();
    std::string text = ::tcgetpgrp(STDIN_FILENO) == app.pid.value ? "app " : "other ";
    take_back_terminal();  // not while the app is there
    text += ::tcgetpgrp(STDIN_FILENO) == app.pid.value ? "app " : "other ";
    send_signal(app.pid, SIGKILL);
    text += wait_for_end() + " ";
    take_back_terminal();
    return text + (::tcgetpgrp(STDIN_FILENO) == ::getpgrp() ? "ours" : "other");
  });
  if (result == kSkipped) {
    MESSAGE("skipped: no terminal can be made here");
    return;
  }
  CHECK(result == "app app 0/9 ours");
}

TEST_CASE("the app gets no terminal when walwrap was in the background") {
  const std::string result = in_child([]() -> std::string {
    SignalState::capture_and_block();
    const Terminal terminal;
    if (!terminal.is_ours) return std::string(kSkipped);
    const pid_t foreground = ::getpgrp();
    fork_worker([&] {
      ::setpgid(0, 0);
      const Spawned app = spawn(options_for({"sleep", "60"})).value();
      const bool is_kept = ::tcgetpgrp(STDIN_FILENO) == foreground;
      send_signal(app.pid, SIGKILL);
      return is_kept && wait_for_end() == "0/9" ? 0 : 1;
    }).value();
    return wait_for_end();
  });
  if (result == kSkipped) {
    MESSAGE("skipped: no terminal can be made here");
    return;
  }
  CHECK(result == "0/0");
}

TEST_CASE("as PID 1 the app leads the session of the terminal, and walwrap gets no SIGHUP") {
  const std::string result = as_pid_1([]() -> std::string {
    if (!is_pid_1() || own_pid() != Pid{1}) return "not PID 1";
    SignalState::capture_and_block();
    SignalReader reader = SignalReader::create().value();
    const Terminal terminal;
    if (!terminal.is_ours) return std::string(kSkipped);
    const Spawned app = spawn(options_for({"sleep", "60"})).value();
    pid_t session = 0;
    ::ioctl(terminal.master.get(), TIOCGSID, &session);
    std::string text = session == app.pid.value ? "its terminal " : "no terminal ";
    text += ::getsid(app.pid.value) == app.pid.value ? "its session " : "no session ";
    for (const ReceivedSignal& signal : reader.take()) text += format_signal(signal.number) + " ";
    send_signal_to_group(app.pid, SIGKILL);
    return text + wait_for_end();
  });
  if (result == kSkipped) {
    MESSAGE("skipped: no new pid namespace or terminal here");
    return;
  }
  CHECK(result == "its terminal its session 0/9");
}

TEST_CASE("a SIGHUP that came before the app started is not lost with the terminal") {
  const std::string result = as_pid_1([]() -> std::string {
    SignalState::capture_and_block();
    SignalReader reader = SignalReader::create().value();
    const Terminal terminal;
    if (!terminal.is_ours) return std::string(kSkipped);
    ::kill(::getpid(), SIGHUP);
    const Spawned app = spawn(options_for({"sleep", "60"})).value();
    std::string text;
    for (const ReceivedSignal& signal : reader.take()) text += format_signal(signal.number) + " ";
    send_signal_to_group(app.pid, SIGKILL);
    return text + wait_for_end();
  });
  if (result == kSkipped) {
    MESSAGE("skipped: no new pid namespace or terminal here");
    return;
  }
  CHECK(result == "SIGHUP 0/9");
}

}  // namespace
}  // namespace walwrap::os
