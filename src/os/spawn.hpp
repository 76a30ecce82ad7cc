// Starts the app: what it gets from walwrap, what it must not get, and whether it could be
// executed. Used by init's one thread only (Law 2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/os/signals.hpp"
#include "walwrap/os/user.hpp"

namespace walwrap::os {

struct SpawnOptions {
  std::vector<std::string> command;      // looked up in PATH as execvp does
  std::vector<std::string> environment;  // "NAME=value"
  const SignalState* signals = nullptr;  // given to the child exactly; nullptr: ours as they are
  int oom_score_raise = 0;               // added to oom_score_adj, capped at 1000; 0 leaves it
  std::optional<User> user = {};         // the user it becomes; none: walwrap's
  // Variables that get the app's pid instead of walwrap's: sd_listen_fds(3) checks this one.
  std::vector<std::string> pid_variables = {"LISTEN_PID"};
};
enum class SpawnStep : int { BecomeUser, Execute };
struct SpawnError {
  SpawnStep step = SpawnStep::Execute;
  int error_number = 0;
  // Result of the exec. 127: not found; 126: found, but cannot be executed.
  int as_shell_code() const;
};
// The app: fork, own process group (an own session as PID 1), foreground of the terminal if walwrap
// had it, the signals it would have had without walwrap, no descriptor of walwrap, exec. Not PID 1:
// it gets SIGTERM when the calling thread ends. A LISTEN_PID that names walwrap (sd_listen_fds(3))
// names the app in its environment. A failure in the child is returned as SpawnError, with the
// child already reaped. A fork that fails with EAGAIN is Unavailable.
struct Spawned {
  Pid pid;
  std::optional<SpawnError> failed;
};
Result<Spawned> spawn(const SpawnOptions& options);
// Makes walwrap's group the terminal's foreground group again once the app's group has ended, so
// that a script that called walwrap can continue to read. Does nothing without a terminal, or if a
// shell was faster.
void take_back_terminal();
// After a shell has continued walwrap in the foreground: the terminal goes to the app's group.
void hand_on_terminal(Pid app);

}  // namespace walwrap::os
