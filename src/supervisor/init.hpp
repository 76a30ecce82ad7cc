// The loop of the first process: waits, asks lifecycle, and performs its actions.
//
// One thread. It blocks only in epoll (signals, the replicator's channel, one timer), so an idle
// run has no wake-ups. It allocates little and opens only these descriptors, because if it dies,
// the app and the replicator die too.
//
// What the caller (cli) does:
//   1. os::SignalState::capture_and_block() first of all in main(), then
//      os::fill_standard_descriptors() and os::Inherited::capture(). No thread, SQLite connection
//      or curl handle may exist when run_init is called, for it forks (Law 2).
//   2. Parse the configuration and collect PlatformFacts; a configured --grace goes into them, so
//      that detect_platform() answers with the grace to use and where it comes from.
//   3. A Log whose sink does not block for long (os::write_stderr).
//   4. `replicator_main`, which runs in a child with every signal blocked and whose value is the
//      child's exit code. It owns its end of the channel and nothing of init's. It
//        - prepares, then sends Ready; or sends Refused with exit code and text, and returns;
//        - sends Position when it changes, at most every second, and Fenced or HandOver once;
//        - polls the channel for orders. A restarted one gets the current phase right after its
//          Ready: AppStarted, Stopping, AppGone, Flush, as far as it has come. Orders may come
//          again with an earlier deadline;
//        - answers Flush with Drained, then waits for the channel to close, and returns. It has
//          kLeaveLimit for that;
//        - on a closed channel without AppStarted before: the start is aborted, leave nothing at
//          the final path and return within kAbortLimit. After AppStarted: init has died, store
//          what can be stored and return.
//      It is called again in a new child, with a new channel, when the last one died.
//   5. Return what run_init returns from main().
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/inherited.hpp"
#include "walwrap/os/signals.hpp"
#include "walwrap/os/user.hpp"
#include "walwrap/supervisor/channel.hpp"
#include "walwrap/supervisor/lifecycle.hpp"
#include "walwrap/supervisor/platform.hpp"

namespace walwrap::supervisor {

// The state at the fork of a replicator. A replicator that restarts beside the app must not replace
// the database file.
enum class AtFork { AppNotStarted, AppStarted };

struct InitOptions {
  std::vector<std::string> command;      // the app; at least its name
  std::vector<std::string> environment;  // of the app: "NAME=value"
  Platform platform;                     // from detect_platform()
  Rules rules = {};  // from the user; the rest is filled in from the platform and the process
  bool signal_group = false;          // to the app's process group, not only its main process
  int oom_score_raise = 500;          // of the app, so that it is killed first; 0: as inherited
  std::optional<os::User> user = {};  // the app's user; none: walwrap's
  std::string manager_socket = {};    // as in NOTIFY_SOCKET; "": no service manager
  bool app_says_ready = false;        // the app notifies the manager itself and feeds its watchdog
  os::Path ready_file = {};           // "": none
  std::optional<int> ready_descriptor = {};
  std::vector<os::Path> state_directories = {};  // of the databases: who locks them owns them
  // Empty: no replication, an init only. `restarts`: the number of earlier replicators.
  std::function<int(Channel, AtFork, std::uint64_t restarts)> replicator_main = {};
};

// What main() has prepared for it first.
struct Beginning {
  const os::SignalState& signals;
  os::Inherited& inherited;
};

// Returns the exit status of the container: the app's, 128 + signal, or one of walwrap's (125: the
// app was not started, or another writer took the replica; 126: it cannot be executed; 127: it does
// not exist; 75: it handed over, and nobody has the database any more).
int run_init(const InitOptions& options, const Beginning& beginning, const os::Clock& clock,
             const Log& log);

}  // namespace walwrap::supervisor
