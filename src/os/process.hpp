// Forking, signalling and reaping processes, and finding them. Used by init's one thread only
// (Law 2). The app is started by spawn.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"

namespace walwrap::os {

struct Pid {
  int value = 0;
  auto operator<=>(const Pid&) const = default;
};

// How a process ended: by exit(code) or by a signal.
struct ExitStatus {
  int code = 0;
  int signal = 0;  // 0: it exited by itself
  // What a shell and a container report: the code, or 128 + signal.
  int as_shell_code() const { return signal != 0 ? 128 + signal : code; }
};

// Parks /dev/null on closed descriptors 0, 1 and 2, so that no file of walwrap gets one of these
// numbers.
Result<void> fill_standard_descriptors();
// Orphans among this process's descendants become its children. Has no effect if the kernel does
// not know it.
void become_subreaper();
Pid own_pid();
bool is_pid_1();
std::string host_name();      // in a container usually its id
std::uint32_t own_user_id();  // the effective one
std::optional<std::string> environment(const std::string& name);
std::vector<std::string> all_environment();  // "NAME=value", as inherited

// Forks; the child runs `run` and exits with its result (70 if it throws), and never returns.
// Nothing is flushed at that exit, so no buffer is written twice. All signals stay blocked in it,
// so that a platform which signals every process ends it through init alone.
Result<Pid> fork_worker(const std::function<int()>& run);
// What `ps` shows for this process: at most 15 bytes.
void set_process_name(std::string_view name);

// One child that has ended, if any; reaps it. Call until nullopt.
struct Reaped {
  Pid pid;
  ExitStatus status;
};
std::optional<Reaped> reap_one();

// One child that a signal has stopped since the last look, if any. Call until nullopt.
struct StoppedChild {
  Pid pid;
  int signal = 0;
};
std::optional<StoppedChild> take_stopped();

// Whether some shell started this process group as a job of its session, and can continue it after
// a stop. If not, the group is orphaned (POSIX): the kernel then stops none of its processes at a
// Ctrl-Z.
bool has_job_control();

// Sends; false if there is no such process. EPERM counts as sent.
bool send_signal(Pid pid, int signal);
bool send_signal_to_group(Pid leader, int signal);
void send_signal_to_own_group(int signal);
// Every running process below this one in the process tree (or in its pid namespace, as PID 1),
// without itself, kernel threads and ended processes that are not reaped; also without `except` and
// everything below that. The tree changes during the call: repeat it until it is empty.
std::vector<Pid> descendants(Pid except = {});

}  // namespace walwrap::os
