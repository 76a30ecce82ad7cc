// The data of lifecycle.hpp: the state of a run, the events that change it, and the resulting
// actions. Values only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/os/signals.hpp"
#include "walwrap/supervisor/channel.hpp"
#include "walwrap/supervisor/facts.hpp"
#include "walwrap/supervisor/grace.hpp"
#include "walwrap/supervisor/service_manager.hpp"
#include "walwrap/supervisor/signal_table.hpp"
#include "walwrap/supervisor/stop_requests.hpp"
#include "walwrap/supervisor/stragglers.hpp"
#include "walwrap/supervisor/worker.hpp"

namespace walwrap::supervisor {

// The limits of every wait (Law 5).
inline constexpr std::chrono::milliseconds kAbortLimit{900};  // a start is aborted within 1 s
inline constexpr std::chrono::milliseconds kLeaveLimit{300};  // the replicator's exit, after all
inline constexpr std::chrono::milliseconds kFirstSpawnRetry{50};
inline constexpr std::chrono::milliseconds kMostSpawnRetry{1'000};
// A platform without a grace period may kill at any time: finishing early helps, and an app that
// does get time is not killed for nothing. So waits are as long as on an unknown platform.
inline constexpr std::chrono::milliseconds kGraceWithoutGrace{10'000};
inline constexpr int kStartingDeathsLimit = 5;
inline constexpr int kRefusedCode = 125;
// After a hand-over: nobody has the database any more. sysexits.h: EX_TEMPFAIL.
inline constexpr int kNoSuccessorCode = 75;
inline constexpr std::chrono::milliseconds kStandbyLook{1'000};

// What stays the same during a run.
struct Rules {
  bool replicates = false;  // false: an init only, no replicator
  bool pid_1 = false;
  bool platform_signals_every_process = false;  // SIGTERM is not forwarded: the app gets it anyway
  std::chrono::milliseconds grace{10'000};
  std::optional<std::chrono::milliseconds>
      app_grace;  // the app's part; none: what the flush leaves
  std::chrono::milliseconds exit_flush_timeout{30'000};  // in the place of grace: app ended itself
  int flush_failed_code = 74;                            // 0: the app's status stays
  std::vector<int> ok_codes;                             // after a requested stop, these count as 0
  bool kills_app = true;  // after its part of the grace period, or at the third signal
  bool stands_by = true;  // after a hand-over; false: exits
  std::chrono::milliseconds handover_timeout{35'000};
  SignalRules signals;
  ServiceManagerRules manager;
};

enum class Phase { Starting, Running, Stopping, Quiescing, Flushing, Leaving, Standby, Done };
enum class App { NotStarted, Alive, Gone };

// Members are ordered by meaning, not by size.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct State {
  Rules rules;
  Phase phase = Phase::Starting;
  // The time at which the phase continues without an event. Starting: the next try to fork the app,
  // after a failure. Stopping: the app is killed, or counts as ended. Quiescing: the next check.
  // Flushing, Leaving: their end. Standby: the next look. Not set in Running and Done.
  std::optional<MonoTime> phase_until;

  App app = App::NotStarted;
  os::Pid app_pid;
  MonoTime app_started;
  int app_status = 0;       // as a shell reports it
  bool app_killed = false;  // by walwrap
  std::chrono::milliseconds spawn_delay{0};
  bool suspended = false;       // by job control
  bool has_job_control = true;  // a shell would continue walwrap

  Worker worker;

  std::optional<UploadEstimate> estimate;
  Txid txid;
  Bytes lag_bytes = 0;
  Fencing fencing = Fencing::NotKnown;

  std::optional<Timeline> timeline;
  StopRequests stop;
  bool fenced = false;
  bool hands_over = false;                // to another walwrap that takes over the database
  std::optional<MonoTime> unowned_since;  // Standby: nobody has the database
  bool abandoned = false;                 // the flush, at the terminal
  Stragglers stragglers;

  std::optional<MonoTime> manager_at;  // when the service manager gets its watchdog ping

  std::optional<FlushOutcome> flush;  // the result, once known
  std::string missing;

  int exit_status = 0;
};

namespace event {
struct ChannelClosed {};
struct ReplicatorExited {
  os::ExitStatus status;
};
struct AppSpawned {
  os::Pid pid;
};
struct AppSpawnBusy {  // EAGAIN: try again
  std::string reason;
};
struct AppNotStarted {  // and will not be
  std::string reason;
  int exit_code = 127;
};
struct AppExited {
  os::ExitStatus status;
  bool out_of_memory = false;  // the kernel killed a process in this cgroup for that
};
// Comes before each job-control signal and each AppStopped, because the shell may end at any time.
struct JobControl {
  bool is_there = false;  // a shell that continues walwrap after a stop
};
struct AppStopped {  // to a live process: from a signal, as Ctrl-Z sends it
  int signal = 0;
};
struct OtherReaped {};  // an orphan of the app
struct Stragglers {     // answer to CheckStragglers
  int processes = 0;
};
struct OwnerFound {  // answer to LookForOwner
  bool is_there = false;
};
struct DeadlinePassed {};
}  // namespace event

using Event =
    std::variant<ReplicatorReport, event::ChannelClosed, event::ReplicatorExited, event::AppSpawned,
                 event::AppSpawnBusy, event::AppNotStarted, event::AppExited, event::JobControl,
                 event::AppStopped, event::OtherReaped, event::Stragglers, event::OwnerFound,
                 event::DeadlinePassed, os::ReceivedSignal>;

namespace action {
struct StartApp {};         // answers AppSpawned, AppSpawnBusy or AppNotStarted
struct SpawnReplicator {};  // with its own channel; on failure ReplicatorExited follows
struct SendOrder {
  InitOrder order;
};
struct SignalApp {  // the main process
  int signal = 0;
};
struct ContinueApp {};  // SIGCONT; a running app does not notice it
struct KillApp {};
struct Suspend {           // stop the app's group if there is one, then walwrap
  bool whole_job = false;  // and what the shell has started together with walwrap
};
struct ResumeApp {};        // its group, in the foreground if walwrap is
struct CheckStragglers {};  // answers Stragglers
struct SignalStragglers {   // TERM is followed by CONT
  int signal = 0;
};
struct LookForOwner {};  // of the databases; answers OwnerFound
struct CloseChannel {};
struct KillReplicator {};
struct Announce {  // to processes outside that wait for it
  Announcement what;
};
struct Say {
  Fact fact;
};
struct Exit {
  int status = 0;
};
}  // namespace action

using Action = std::variant<action::StartApp, action::SpawnReplicator, action::SendOrder,
                            action::SignalApp, action::ContinueApp, action::KillApp,
                            action::Suspend, action::ResumeApp, action::CheckStragglers,
                            action::SignalStragglers, action::LookForOwner, action::CloseChannel,
                            action::KillReplicator, action::Announce, action::Say, action::Exit>;

struct Step {
  State state;
  std::vector<Action> actions;
};

}  // namespace walwrap::supervisor
