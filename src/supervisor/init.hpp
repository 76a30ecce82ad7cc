// The loop of the first process: waits, asks lifecycle, performs its actions.
//
// One thread; blocks only in epoll (signals, the replicator's channel, one timer), so an idle life
// costs no wake-ups. It allocates little and opens nothing but these descriptors: its death would
// be everybody's.
//
// What the caller (cli) does:
//   1. os::SignalState::capture_and_block() first of all in main(), then
//      os::fill_standard_descriptors() and os::Inherited::capture(). No thread, SQLite connection
//      or curl handle may exist when run_init is called, for it forks (Law 2).
//   2. Parse the configuration and collect HostFacts; a configured --grace goes into them, so
//      that detect_host() answers with the grace to use and where it comes from.
//   3. A Log whose sink does not block for long (os::write_stderr).
//   4. `replicator_main`, which runs in a child with every signal blocked and whose value is the
//      child's exit code. It owns its end of the channel and nothing of init's. It
//        - prepares, then sends Ready; or sends Refused with exit code and text, and returns;
//        - sends Position when it changes, at most every second, and Fenced once;
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

// What a replicator finds when it is forked. One that is restarted beside the app must leave the
// database file where it is.
enum class AtFork { AppNotStarted, AppStarted };

struct InitOptions {
  std::vector<std::string> command;      // the app; at least its name
  std::vector<std::string> environment;  // of the app: "NAME=value"
  Platform host;                         // from detect_host()
  Rules rules = {};  // from the user; the platform, the process and the replicator are filled in
  bool signal_group = false;          // the app's process group, not its main process alone
  int oom_score_raise = 500;          // of the app, so that it goes before us; 0: as inherited
  std::optional<os::User> user = {};  // whose rights the app gets; none: ours
  std::string manager_socket = {};    // as in NOTIFY_SOCKET; "": no service manager to tell
  bool app_says_ready = false;        // the app notifies the manager itself, and feeds its watchdog
  os::Path ready_file = {};           // "": none
  std::optional<int> ready_descriptor = {};
  // Empty: nothing is replicated, an init only. `restarts`: of replicators before this one.
  std::function<int(Channel, AtFork, std::uint64_t restarts)> replicator_main = {};
};

// What main() did for it, first of all.
struct Beginning {
  const os::SignalState& signals;
  os::Inherited& inherited;
};

// Returns the exit status of the container: the app's, 128 + signal, or one of ours (125: the app
// was not started, or another writer fenced us; 126, 127: it cannot be executed, is not there).
int run_init(const InitOptions& options, const Beginning& beginning, const os::Clock& clock,
             const Log& log);

}  // namespace walwrap::supervisor
