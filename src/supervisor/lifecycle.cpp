#include "walwrap/supervisor/lifecycle.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "walwrap/supervisor/machine.hpp"

namespace walwrap::supervisor {

using std::chrono::milliseconds;
using Condition = Worker::Condition;

void Machine::begin() {
  if (s_.rules.manager.listens) tell_manager();
  if (!s_.rules.replicates) return act(action::StartApp{});
  spawn_worker();
}

void Machine::spawn_worker() {
  s_.worker.on_spawn();
  act(action::SpawnReplicator{});
}

void Machine::order(Order kind) {
  if (!s_.worker.is_ready()) return;  // sent when it is: tell_worker_where_we_are()
  InitOrder order{.kind = kind, .pid = s_.app_pid.value};
  if (s_.timeline) order.deadline = s_.timeline->flush_until;
  act(action::SendOrder{order});
}

WorkerStage Machine::worker_stage() const {
  if (s_.phase == Phase::Starting) return WorkerStage::Starting;
  return s_.phase == Phase::Running ? WorkerStage::Running : WorkerStage::Stopping;
}

void Machine::tell_worker_where_we_are() {
  if (s_.app_pid != os::Pid{}) order(Order::AppStarted);
  if (s_.timeline) order(Order::Stopping);
  if (s_.app == App::Gone) order(Order::AppGone);
  if (s_.phase == Phase::Flushing) order(Order::Flush);
}

void Machine::operator()(const ReplicatorReport& report) {
  if (s_.phase >= Phase::Leaving || !s_.worker.is_alive) return;
  switch (report.kind) {
    case Report::Ready:
      return on_ready();
    case Report::Refused:
      return on_refused(report);
    case Report::Fenced:
      return on_fenced();
    case Report::HandOver:
      return on_hand_over(report.text);
    case Report::Position:
      s_.estimate = update_estimate(s_.estimate, report.last_put, report.lag_bytes);
      s_.txid = report.txid;
      s_.lag_bytes = report.lag_bytes;
      s_.fencing = report.fencing;
      return;
    case Report::Drained:
      if (s_.phase != Phase::Flushing || !s_.worker.is_ready()) return;
      s_.flush = report.flush;
      s_.missing = report.text;
      s_.txid = report.txid;
      s_.lag_bytes = report.lag_bytes;
      s_.fencing = report.fencing;
      return leave(final_status(), kLeaveLimit);
  }
}

void Machine::on_ready() {
  if (s_.worker.condition != Condition::Preparing) return;
  s_.worker.on_ready(now_);
  if (s_.phase != Phase::Starting) return tell_worker_where_we_are();
  if (!s_.phase_until) act(action::StartApp{});
}

void Machine::on_refused(const ReplicatorReport& report) {
  if (!s_.worker.is_listening()) return;
  if (s_.phase == Phase::Starting) {
    const int code = report.exit_code != 0 ? report.exit_code : kRefusedCode;
    tell(fact::StartRefused{code, report.text});
    return leave(code, kLeaveLimit);
  }
  tell(fact::ReplicationRefused{report.text});
  s_.worker.on_refused(worker_stage(), now_);
  if (s_.phase == Phase::Running) return;
  s_.flush = FlushOutcome::Failed;
  s_.missing = report.text;
  if (s_.phase == Phase::Flushing) leave(final_status(), kLeaveLimit);
}

void Machine::on_fenced() {
  if (s_.fenced) return;
  s_.fenced = true;
  tell(fact::Fenced{});
  if (s_.phase == Phase::Starting) return leave(kRefusedCode, kLeaveLimit);
  if (s_.phase == Phase::Running) begin_stop(SIGTERM, 0);
}

// Nothing of the app may write from the moment of the flush on: the same stop as for a signal.
void Machine::on_hand_over(const std::string& to) {
  if (s_.phase > Phase::Running || s_.hands_over) return;
  s_.hands_over = true;
  tell(fact::HandsOver{to});
  if (s_.phase == Phase::Running) begin_stop(SIGTERM, 0);
}

void Machine::operator()(const event::ChannelClosed&) {
  if (!s_.worker.is_listening()) return;
  if (s_.phase >= Phase::Leaving) return;
  s_.worker.on_closed(worker_stage(), now_);
}

void Machine::operator()(const event::ReplicatorExited& event) {
  if (!s_.rules.replicates || !s_.worker.is_alive) return;
  if (s_.phase == Phase::Standby) {
    s_.worker.is_alive = false;
    return;
  }
  const auto death = s_.worker.on_death(worker_stage(), now_);
  if (s_.phase == Phase::Leaving) return exit_now();
  if (s_.worker.condition == Condition::GaveUp) return;
  if (death.is_told) {
    tell(fact::ReplicatorDied{event.status, s_.worker.deaths.failures(), death.restart_in});
  }
  if (s_.worker.starting_deaths >= kStartingDeathsLimit && s_.phase == Phase::Starting) {
    tell(fact::ReplicatorGivenUp{s_.worker.starting_deaths});
    return leave(kRefusedCode, kLeaveLimit);
  }
  if (s_.phase == Phase::Flushing && now_ + death.restart_in >= s_.timeline->flush_until) {
    return flush_failed("the replicator died");
  }
  if (death.restart_in == milliseconds{0}) spawn_worker();
}

void Machine::operator()(const event::AppSpawned& event) {
  if (s_.phase != Phase::Starting || s_.app != App::NotStarted) return;
  s_.phase = Phase::Running;
  s_.phase_until.reset();
  s_.app = App::Alive;
  s_.app_pid = event.pid;
  s_.app_started = now_;
  tell(fact::AppStarted{event.pid});
  order(Order::AppStarted);
  announce({.kind = Announcement::Kind::Ready, .app = event.pid});
  s_.manager_at = next_to_manager();
  if (s_.hands_over) begin_stop(SIGTERM, 0);
}

// The replicator has attached and may have something to store, so it is flushed anyway.
void Machine::operator()(const event::AppNotStarted& event) {
  if (s_.phase != Phase::Starting) return;
  tell(fact::AppNotStarted{event.reason, event.exit_code});
  s_.app = App::Gone;
  s_.app_status = event.exit_code;
  end_by_itself();
}

void Machine::operator()(const event::AppSpawnBusy& event) {
  if (s_.phase != Phase::Starting) return;
  if (s_.spawn_delay == milliseconds{0}) {
    tell(fact::AppSpawnDelayed{event.reason, kFirstSpawnRetry});
  }
  s_.spawn_delay = std::clamp(s_.spawn_delay * 2, kFirstSpawnRetry, kMostSpawnRetry);
  s_.phase_until = now_ + s_.spawn_delay;
}

void Machine::operator()(const event::AppExited& event) {
  if (s_.app != App::Alive) return;
  s_.app = App::Gone;
  s_.app_status = event.status.as_shell_code();
  tell(fact::AppEnded{event.status, since(s_.app_started)});
  if (event.out_of_memory && !s_.app_killed) tell(fact::AppOutOfMemory{});
  if (s_.phase == Phase::Running) return end_by_itself();
  if (s_.phase != Phase::Stopping) return;
  const bool is_late = !s_.rules.kills_app && now_ > s_.timeline->app_until;
  if (is_late) take_more_time();
  quiesce();
}

void Machine::operator()(const event::JobControl& event) {
  s_.has_job_control = event.is_there;
}

// Ctrl-Z goes only to the app's group. A shell that waits for walwrap must see it stop. Without
// such a shell, nothing could ever continue the app.
void Machine::operator()(const event::AppStopped& event) {
  if (s_.app != App::Alive) return;
  const bool is_job_control =
      event.signal == SIGTSTP || event.signal == SIGTTIN || event.signal == SIGTTOU;
  const bool can_suspend = s_.has_job_control && !s_.rules.pid_1 && s_.phase == Phase::Running;
  if (is_job_control && can_suspend) {
    s_.suspended = true;
    return act(action::Suspend{.whole_job = true});
  }
  // A read from the background would only stop it again. The sender meant STOP.
  if (event.signal == SIGTSTP) act(action::ResumeApp{});
}

// What the service manager needs repeatedly in this phase.
void Machine::tell_manager() {
  if (s_.phase == Phase::Starting) {
    announce({.kind = Announcement::Kind::Preparing, .needed = kPreparingExtension});
  }
  if (s_.rules.manager.watchdog) announce({.kind = Announcement::Kind::Alive});
  s_.manager_at = next_to_manager();
}

std::optional<MonoTime> Machine::next_to_manager() const {
  std::optional<MonoTime> next;
  if (s_.rules.manager.watchdog) next = now_ + *s_.rules.manager.watchdog / 2;
  if (s_.phase == Phase::Starting && s_.rules.manager.listens) {
    const auto extended = now_ + kPreparingInterval;
    next = next ? std::min(*next, extended) : extended;
  }
  return next;
}

void Machine::operator()(const os::ReceivedSignal& signal) {
  SignalContext context{.stage = SignalStage::Running,
                        .pid_1 = s_.rules.pid_1 || !s_.has_job_control};
  if (s_.phase == Phase::Starting) context.stage = SignalStage::BeforeApp;
  if (s_.phase >= Phase::Stopping) context.stage = SignalStage::Stopping;
  const bool forwards = s_.app == App::Alive;
  switch (classify_signal(signal, context, s_.rules.signals)) {
    case SignalAnswer::Ignore:
      return;
    case SignalAnswer::Forward:
      if (forwards) signal_app(signal.number);
      return;
    case SignalAnswer::Stop:
      return on_stop_signal(signal);
    case SignalAnswer::Suspend:
      s_.suspended = true;
      return act(action::Suspend{});
    case SignalAnswer::Resume:
      if (std::exchange(s_.suspended, false)) return act(action::ResumeApp{});
      if (forwards) signal_app(signal.number);
      return;
  }
}

void Machine::operator()(const event::DeadlinePassed&) {
  const auto due = s_.worker.on_time(now_);
  if (due.steady_after_deaths > 0) tell(fact::ReplicatorSteady{due.steady_after_deaths});
  if (due.hangs) {
    tell(fact::ReplicatorHangs{});
    act(action::KillReplicator{});
  }
  if (due.restart) spawn_worker();
  if (s_.manager_at && *s_.manager_at <= now_) tell_manager();
  if (s_.phase_until && *s_.phase_until <= now_) on_phase_time();
}

void Machine::on_phase_time() {
  switch (s_.phase) {
    case Phase::Starting:
      s_.phase_until.reset();
      if (s_.worker.condition == Condition::None || s_.worker.is_ready()) act(action::StartApp{});
      return;
    case Phase::Stopping:
      if (!s_.rules.kills_app && !s_.app_killed) {
        s_.phase_until.reset();
        return tell(fact::AppNotKilled{});
      }
      if (!s_.app_killed) return kill_app(fact::KillReason::Deadline);
      tell(fact::AppDoesNotDie{});
      s_.app = App::Gone;
      s_.app_status = 128 + SIGKILL;
      return quiesce();
    case Phase::Quiescing:
      return check_stragglers();
    case Phase::Flushing:
      return flush_failed("the replicator did not answer in time");
    case Phase::Leaving:
      act(action::KillReplicator{});
      return exit_now();
    case Phase::Standby:
      s_.phase_until = now_ + kStandbyLook;
      return act(action::LookForOwner{});
    case Phase::Running:
    case Phase::Done:
      return;
  }
}

Step begin(const Rules& rules, MonoTime now) {
  State state;
  state.rules = rules;
  Machine machine(state, now);
  machine.begin();
  return std::move(machine).finish();
}

Step step(const State& state, const Event& event, MonoTime now) {
  if (state.phase == Phase::Done) return {state, {}};
  Machine machine(state, now);
  std::visit(machine, event);
  return std::move(machine).finish();
}

std::optional<MonoTime> deadline_of(const State& state) {
  if (state.phase == Phase::Done) return std::nullopt;
  std::optional<MonoTime> earliest;
  for (const auto& time : {state.worker.deadline(), state.phase_until, state.manager_at}) {
    if (time && (!earliest || *time < *earliest)) earliest = time;
  }
  return earliest;
}

}  // namespace walwrap::supervisor
