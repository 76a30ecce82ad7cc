#include "walwrap/os/spawn.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "walwrap/base/text.hpp"
#include "walwrap/os/fd.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

constexpr int kNotExecuted = 127;  // never seen outside: the parent reads the report and reaps
constexpr int kMaxOomScore = 1000;
constexpr std::string_view kDefaultPath = "/bin:/usr/bin";  // what execvp uses without PATH
constexpr Bytes kOomScoreLimit = 64;                        // a number and a newline
constexpr std::size_t kPidDigits = 10;

// ---- the terminal ----

// The first standard descriptor for which `test` holds, or -1.
template <typename Test>
int find_standard_descriptor(Test test) {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (test(descriptor)) return descriptor;
  }
  return -1;
}

// Takes one pending signal, if there is one.
void discard_pending(int number) {
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  const timespec at_once{};
  ::sigtimedwait(&only, nullptr, &at_once);
}

// A terminal belongs to one session. A session leader must release its terminal before the app's
// session can have it. The kernel then sends this group a SIGHUP that no one sent.
void give_up_terminal() {
  const int terminal =
      find_standard_descriptor([](int descriptor) { return ::tcgetsid(descriptor) == ::getpid(); });
  if (terminal < 0) return;
  sigset_t before;
  ::sigpending(&before);
  if (::ioctl(terminal, TIOCNOTTY) != 0) return;
  for (const int number : {SIGHUP, SIGCONT}) {
    if (::sigismember(&before, number) == 0) discard_pending(number);
  }
}

// ---- the child between fork and exec ----

// Made before the fork: afterwards nothing may allocate.
struct Prepared {
  std::vector<std::string> paths;  // to try, in order
  bool is_searched = false;        // in PATH: one path failing leads to the next
  std::vector<char*> arguments;
  std::vector<char*> shell_arguments;  // for a script without "#!"; [1] is its path
  std::vector<char*> environment;
  std::string oom_score;                 // text for oom_score_adj; empty: leave it
  std::vector<std::string> pid_entries;  // of the environment, with room for the child's pid
  const User* user = nullptr;            // to become; null: none
  bool as_pid_1 = false;
  int terminal = -1;  // to become the app's; -1: none
  pid_t parent = 0;
};

// execve takes pointers to non-const for C's sake; it does not write through them.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> paths_to_try(const std::string& program,
                                      const std::vector<std::string>& environment) {
  if (program.empty() || program.find('/') != std::string::npos) return {program};
  constexpr std::string_view kKey = "PATH=";
  const auto found = std::ranges::find_if(
      environment, [&](const std::string& entry) { return entry.starts_with(kKey); });
  std::string_view directories = kDefaultPath;
  if (found != environment.end()) directories = std::string_view(*found).substr(kKey.size());
  std::vector<std::string> paths;
  for (const std::string_view directory : split(directories, ':')) {
    // An empty entry is the current directory.
    paths.push_back(directory.empty() ? program : fmt::format("{}/{}", directory, program));
  }
  return paths;
}

std::string raised_oom_score(int raise) {
  const auto text = read_file("/proc/self/oom_score_adj", kOomScoreLimit);
  if (raise <= 0 || !text) return {};
  const std::string_view digits = as_text(*text);
  int score = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), score);
  return std::to_string(std::min(score + raise, kMaxOomScore));
}

// The sockets of a service manager are for the process whose pid they name. If that is this
// process, the entry is replaced by one that the child completes when it knows its own pid.
void pass_on_pids(Prepared& prepared, const SpawnOptions& options) {
  prepared.pid_entries.reserve(options.pid_variables.size());  // pointers into them stay
  for (const std::string& name : options.pid_variables) {
    const auto ours = fmt::format("{}={}", name, ::getpid());
    const auto found = std::ranges::find(options.environment, ours);
    if (found == options.environment.end()) continue;
    std::string& entry = prepared.pid_entries.emplace_back(name + "=");
    entry.append(kPidDigits, '\0');
    prepared.environment[static_cast<std::size_t>(found - options.environment.begin())] =
        entry.data();
  }
}

Prepared prepare(const SpawnOptions& options) {
  static constexpr const char* kShell = "/bin/sh";
  const std::string& program = options.command.front();
  Prepared prepared;
  prepared.paths = paths_to_try(program, options.environment);
  prepared.is_searched = program.find('/') == std::string::npos;
  prepared.arguments = pointers_to(options.command);
  prepared.shell_arguments = prepared.arguments;
  prepared.shell_arguments.insert(prepared.shell_arguments.begin(), const_cast<char*>(kShell));
  prepared.environment = pointers_to(options.environment);
  pass_on_pids(prepared, options);
  prepared.user = options.user ? &*options.user : nullptr;
  prepared.oom_score = raised_oom_score(options.oom_score_raise);
  prepared.as_pid_1 = is_pid_1();
  prepared.parent = ::getpid();
  prepared.terminal = find_standard_descriptor([&](int descriptor) {
    return prepared.as_pid_1 ? ::isatty(descriptor) == 1 : ::tcgetpgrp(descriptor) == ::getpgrp();
  });
  return prepared;
}

bool is_worth_another_path(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == EACCES ||
         error_number == ESTALE || error_number == ENODEV || error_number == ETIMEDOUT;
}

// Returns only when no path could be executed: with the reason. Async-signal-safe.
int try_exec(Prepared& prepared) {
  int reason = ENOENT;
  for (const std::string& path : prepared.paths) {
    ::execve(path.c_str(), prepared.arguments.data(), prepared.environment.data());
    if (errno == ENOEXEC) {
      prepared.shell_arguments[1] = const_cast<char*>(path.c_str());
      ::execve(prepared.shell_arguments[0], prepared.shell_arguments.data(),
               prepared.environment.data());
      return ENOEXEC;  // whatever kept the shell from running, this is what is wrong
    }
    if (!prepared.is_searched || !is_worth_another_path(errno)) return errno;
    if (errno == EACCES) reason = EACCES;  // found, though not executable: the better answer
  }
  return reason;
}

// None of this is fatal: the app runs without a terminal, a limit or a group just as well.
void set_up_child(Prepared& prepared) {
  if (prepared.as_pid_1) {
    ::setsid();
    if (prepared.terminal >= 0) ::ioctl(prepared.terminal, TIOCSCTTY, 0);
  } else {
    ::setpgid(0, 0);
    // From the background; allowed because SIGTTOU is blocked.
    if (prepared.terminal >= 0) ::tcsetpgrp(prepared.terminal, ::getpid());
  }
  if (!prepared.oom_score.empty()) {
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    [[maybe_unused]] const auto written =
        ::write(file, prepared.oom_score.data(), prepared.oom_score.size());
    ::close(file);
  }
  for (std::string& entry : prepared.pid_entries) {
    char* const end = entry.data() + entry.size();
    std::to_chars(end - kPidDigits, end, ::getpid());  // what is left of the room stays 0
  }
}

// 0 or errno. The groups first, and the user last: afterwards nothing more may be changed.
int become(const User& user) {
  // A user without rights who asks for its own identity gets it.
  const bool is_already = ::geteuid() == user.uid && ::getegid() == user.gid;
  if (::setgroups(user.groups.size(), user.groups.data()) != 0) {
    return is_already && errno == EPERM ? 0 : errno;
  }
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return errno;
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return errno;
  return 0;
}

// Once the user is what it will be, for changing it takes the parent-death signal back.
void die_with_parent(const Prepared& prepared) {
  if (prepared.as_pid_1) return;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != prepared.parent) ::_exit(128 + SIGTERM);  // it died before the prctl
}

// Async-signal-safe. An error goes into `report`, which an exec that succeeds closes.
[[noreturn]] void become_app(Prepared& prepared, const SignalState* signals, int report) {
  SpawnError error{.step = SpawnStep::BecomeUser, .error_number = 0};
  set_up_child(prepared);
  if (prepared.user != nullptr) error.error_number = become(*prepared.user);
  if (error.error_number == 0) {
    die_with_parent(prepared);
    if (signals != nullptr) signals->restore_in_child();
    error = {.step = SpawnStep::Execute, .error_number = try_exec(prepared)};
  }
  [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
  ::_exit(kNotExecuted);
}

std::optional<SpawnError> read_report(int report) {
  SpawnError error;
  const ssize_t got = uninterrupted([&] { return ::read(report, &error, sizeof error); });
  if (got != static_cast<ssize_t>(sizeof error)) return std::nullopt;
  return error;
}

void reap(pid_t pid) {
  uninterrupted([&] { return ::waitpid(pid, nullptr, 0); });
}

}  // namespace

int SpawnError::as_shell_code() const {
  return error_number == ENOENT ? 127 : 126;
}

Result<Spawned> spawn(const SpawnOptions& options) {
  if (options.command.empty()) return fail(Code::Invalid, "no command to run");
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_failure("pipe2", "", errno);
  const Fd report(ends[0]);
  Fd report_end(ends[1]);

  Prepared prepared = prepare(options);
  if (prepared.as_pid_1) give_up_terminal();
  const pid_t pid = ::fork();
  if (pid < 0) return errno_failure("fork", "", errno);
  if (pid == 0) become_app(prepared, options.signals, report_end.get());

  report_end.reset();
  // Here too, so that a signal to the group finds it from now on. It fails if the child was faster.
  if (!prepared.as_pid_1) ::setpgid(pid, pid);
  const auto failed = read_report(report.get());
  if (failed) reap(pid);
  return Spawned{.pid = Pid{pid}, .failed = failed};
}

void take_back_terminal() {
  const int terminal =
      find_standard_descriptor([](int descriptor) { return ::tcgetpgrp(descriptor) > 0; });
  if (terminal < 0) return;
  const bool is_orphaned = ::kill(-::tcgetpgrp(terminal), 0) != 0 && errno == ESRCH;
  if (is_orphaned) ::tcsetpgrp(terminal, ::getpgrp());
}

void hand_on_terminal(Pid app) {
  const int terminal = find_standard_descriptor(
      [](int descriptor) { return ::tcgetpgrp(descriptor) == ::getpgrp(); });
  if (terminal >= 0) ::tcsetpgrp(terminal, app.value);
}

}  // namespace walwrap::os
