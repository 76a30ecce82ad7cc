#include "walwrap/os/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <set>

#include "walwrap/base/check.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

constexpr int kWorkerThrew = 70;                    // EX_SOFTWARE of sysexits.h
constexpr Bytes kProcFileLimit = Bytes{64} * 1024;  // a stat line is a few hundred bytes

struct Process {
  int pid = 0;
  int parent = 0;
  int group = 0;
  int session = 0;
  char state = '?';
  bool is_kernel_thread = false;
  bool has_ended() const { return state == 'Z' || state == 'X'; }
};

// Source: proc(5), /proc/pid/stat. The name, in parentheses, may hold anything, parentheses too;
// what follows the last of them does not.
std::optional<Process> parse_stat(int pid, std::string_view line) {
  constexpr std::size_t kState = 0, kParent = 1, kGroup = 2, kSession = 3, kFlags = 6,
                        kThreads = 17;                  // after the name
  constexpr std::uint64_t kKernelThread = 0x0020'0000;  // PF_KTHREAD
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  line.remove_prefix(name_end + 1);

  std::array<std::string_view, kThreads + 1> fields;
  for (std::string_view& field : fields) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    field = line.substr(0, line.find(' '));
    if (field.empty()) return std::nullopt;
    line.remove_prefix(field.size());
  }
  const auto number = [&](std::size_t index) {
    std::uint64_t value = 0;
    std::from_chars(fields[index].data(), fields[index].data() + fields[index].size(), value);
    return value;
  };
  Process process{.pid = pid,
                  .parent = static_cast<int>(number(kParent)),
                  .group = static_cast<int>(number(kGroup)),
                  .session = static_cast<int>(number(kSession)),
                  .state = fields[kState].front(),
                  .is_kernel_thread = (number(kFlags) & kKernelThread) != 0};
  // If the first thread has ended, the process looks like a zombie while the others continue.
  if (process.has_ended() && number(kThreads) > 1) process.state = 'R';
  return process;
}

std::optional<Process> read_process(int pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), kProcFileLimit);
  if (!text) return std::nullopt;  // ended meanwhile
  return parse_stat(pid, as_text(*text));
}

std::vector<Process> read_all_processes() {
  std::vector<Process> processes;
  const auto names = list_directory("/proc");
  if (!names) return processes;
  for (const std::string& name : *names) {
    int pid = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), end, pid);
    if (error != std::errc{} || stop != end) continue;
    if (const auto process = read_process(pid)) processes.push_back(*process);
  }
  return processes;
}

// The pids that lead up to `root` by parent links.
std::set<int> below(int root, const std::vector<Process>& processes) {
  std::set<int> found;
  for (bool has_grown = true; has_grown;) {
    has_grown = false;
    for (const Process& process : processes) {
      if (process.parent != root && !found.contains(process.parent)) continue;
      if (found.insert(process.pid).second) has_grown = true;
    }
  }
  return found;
}

// A child that has come to one of these `states` of waitid(2); nullopt: none has.
std::optional<siginfo_t> take_child(int states) {
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_ALL, 0, &info, states | WNOHANG);
  } while (result != 0 && errno == EINTR);
  if (result != 0 || info.si_pid == 0) return std::nullopt;
  return info;
}

}  // namespace

Result<void> fill_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest free number is this one, because those below it are open.
    const int opened = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (opened < 0) return errno_failure("open", "/dev/null", errno);
    WW_CHECK(opened == descriptor);
  }
  return {};
}

void become_subreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Pid own_pid() {
  return Pid{::getpid()};
}

bool is_pid_1() {
  return ::getpid() == 1;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "?";
  return name.data();
}

std::uint32_t own_user_id() {
  return ::geteuid();
}

std::optional<std::string> environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): never set
  if (value == nullptr) return std::nullopt;
  return value;
}

std::vector<std::string> all_environment() {
  std::vector<std::string> entries;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  return entries;
}

Result<Pid> fork_worker(const std::function<int()>& run) {
  const pid_t pid = ::fork();
  if (pid < 0) return errno_failure("fork", "", errno);
  if (pid > 0) return Pid{pid};
  int status = kWorkerThrew;
  try {
    status = run();
  } catch (...) {
    status = kWorkerThrew;  // the parent has its own log line for it
  }
  ::_exit(status);
}

void set_process_name(std::string_view name) {
  // The kernel cuts what is too long.
  ::prctl(PR_SET_NAME, std::string(name).c_str());
}

std::optional<Reaped> reap_one() {
  const auto info = take_child(WEXITED);
  if (!info) return std::nullopt;
  ExitStatus status;
  (info->si_code == CLD_EXITED ? status.code : status.signal) = info->si_status;
  return Reaped{.pid = Pid{info->si_pid}, .status = status};
}

std::optional<StoppedChild> take_stopped() {
  const auto info = take_child(WSTOPPED);
  if (!info) return std::nullopt;
  return StoppedChild{.pid = Pid{info->si_pid}, .signal = info->si_status};
}

bool has_job_control() {
  const int group = ::getpgrp();
  const std::vector<Process> processes = read_all_processes();
  const auto is_shell_of = [&](const Process& member) {
    const auto parent = std::ranges::find(processes, member.parent, &Process::pid);
    return parent != processes.end() && parent->group != group && parent->session == member.session;
  };
  return std::ranges::any_of(processes, [&](const Process& process) {
    return process.group == group && !process.has_ended() && is_shell_of(process);
  });
}

bool send_signal(Pid pid, int signal) {
  WW_CHECK(pid.value > 0);  // anything else would reach a group or all processes
  return ::kill(pid.value, signal) == 0 || errno != ESRCH;
}

bool send_signal_to_group(Pid leader, int signal) {
  WW_CHECK(leader.value > 1);  // -1 would reach all processes
  return ::kill(-leader.value, signal) == 0 || errno != ESRCH;
}

void send_signal_to_own_group(int signal) {
  ::kill(0, signal);
}

std::vector<Pid> descendants(Pid except) {
  const int own = ::getpid();
  const std::vector<Process> processes = read_all_processes();
  const std::set<int> tree = is_pid_1() ? std::set<int>() : below(own, processes);
  std::set<int> spared;
  if (except != Pid{}) {
    spared = below(except.value, processes);
    spared.insert(except.value);
  }
  std::vector<Pid> found;
  for (const Process& process : processes) {
    if (process.pid == own || process.is_kernel_thread || process.has_ended()) continue;
    if (spared.contains(process.pid)) continue;
    if (is_pid_1() || tree.contains(process.pid)) found.push_back(Pid{process.pid});
  }
  return found;
}

}  // namespace walwrap::os
