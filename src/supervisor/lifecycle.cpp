#include "walwrap/supervisor/lifecycle.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "walwrap/supervisor/signal_table.hpp"

namespace walwrap::supervisor {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Condition = Worker::Condition;

// One step: a copy of the state, changed by one event, and what is to be done about it.
class Machine {
 public:
  Machine(const State& state, MonoTime now) : s_(state), now_(now) {}
  Step finish() && { return {std::move(s_), std::move(actions_)}; }

  void begin();
  void operator()(const ReplicatorReport& report);
  void operator()(const event::ChannelClosed&);
  void operator()(const event::ReplicatorExited& event);
  void operator()(const event::AppSpawned& event);
  void operator()(const event::AppSpawnBusy& event);
  void operator()(const event::AppNotStarted& event);
  void operator()(const event::AppExited& event);
  void operator()(const event::OtherReaped&);
  void operator()(const event::Leftovers& event);
  void operator()(const event::DeadlinePassed&);
  void operator()(const os::ReceivedSignal& signal);

 private:
  // The replicator.
  void spawn_worker();
  void order(Order kind);
  void tell_worker_where_we_are();
  void on_ready();
  void on_refused(const ReplicatorReport& report);
  void on_fenced();
  // The stop.
  void on_stop_signal(const os::ReceivedSignal& signal);
  void begin_stop(int signal, std::int32_t sender);
  void on_host_clock();
  void kill_app(fact::KillReason reason);
  void abandon();
  // The end.
  void end_by_itself();
  void quiesce();
  void check_leftovers();
  void flush();
  void flush_failed(std::string missing);
  void leave(int status, milliseconds limit);
  void exit_now();
  void on_phase_time();

  Timeline timeline_of(milliseconds grace) const;
  Timeline host_timeline() const;
  int final_status() const;
  WorkerStage worker_stage() const;
  milliseconds since(MonoTime time) const { return duration_cast<milliseconds>(now_ - time); }
  void act(Action action) { actions_.push_back(std::move(action)); }
  void tell(Fact fact) { act(action::Say{std::move(fact)}); }

  State s_;
  MonoTime now_;
  std::vector<Action> actions_;
};

void Machine::begin() {
  if (!s_.rules.replicates) return act(action::StartApp{});
  spawn_worker();
}

void Machine::spawn_worker() {
  s_.worker.on_spawn();
  act(action::SpawnReplicator{});
}

void Machine::order(Order kind) {
  if (!s_.worker.is_ready()) return;  // told when it is: tell_worker_where_we_are()
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
  if (s_.phase == Phase::Leaving || !s_.worker.is_alive) return;
  switch (report.kind) {
    case Report::Ready:
      return on_ready();
    case Report::Refused:
      return on_refused(report);
    case Report::Fenced:
      return on_fenced();
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
  s_.flush = FlushResult::Failed;
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

void Machine::operator()(const event::ChannelClosed&) {
  if (!s_.worker.is_listening()) return;
  if (s_.phase == Phase::Leaving) return;
  s_.worker.on_closed(worker_stage(), now_);
}

void Machine::operator()(const event::ReplicatorExited& event) {
  if (!s_.rules.replicates || !s_.worker.is_alive) return;
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
}

// The replicator has attached and may have something to store, so it is flushed all the same.
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
  if (s_.phase == Phase::Running) return end_by_itself();
  if (s_.phase == Phase::Stopping) quiesce();
}

// No host's clock is running, so --exit-flush-timeout takes the place of the grace.
void Machine::end_by_itself() {
  s_.timeline = timeline_of(s_.rules.exit_flush_timeout);
  if (s_.worker.condition == Condition::Down) spawn_worker();
  order(Order::Stopping);
  quiesce();
}

void Machine::operator()(const os::ReceivedSignal& signal) {
  SignalContext context{.stage = SignalStage::Running, .pid_1 = s_.rules.pid_1};
  if (s_.phase == Phase::Starting) context.stage = SignalStage::BeforeApp;
  if (s_.phase >= Phase::Stopping) context.stage = SignalStage::Stopping;
  const bool forwards = s_.app == App::Alive;
  switch (classify_signal(signal, context)) {
    case SignalAnswer::Ignore:
      return;
    case SignalAnswer::Forward:
      if (forwards) act(action::SignalApp{signal.number});
      return;
    case SignalAnswer::Stop:
      return on_stop_signal(signal);
    case SignalAnswer::Suspend:
      s_.suspended = true;
      return act(action::Suspend{});
    case SignalAnswer::Resume:
      if (std::exchange(s_.suspended, false)) return act(action::ResumeApp{});
      if (forwards) act(action::SignalApp{signal.number});
      return;
  }
}

void Machine::on_stop_signal(const os::ReceivedSignal& signal) {
  // A terminal's hang-up is a stop like any other.
  const int number = signal.number == SIGHUP ? SIGTERM : signal.number;
  const auto answer = s_.stop.on_signal(signal, now_);
  if (s_.phase == Phase::Starting) {
    tell(fact::StartAborted{number});
    return leave(128 + number, kAbortLimit);
  }
  if (answer == StopRequests::Answer::AbandonFlush) return abandon();
  if (s_.phase == Phase::Leaving) return;
  switch (answer) {
    case StopRequests::Answer::First:
      if (s_.phase == Phase::Running) return begin_stop(number, signal.sender);
      return on_host_clock();
    case StopRequests::Answer::PassOn:
      if (s_.app != App::Alive || s_.app_killed) return;
      act(action::SignalApp{number});
      return act(action::ContinueApp{});
    case StopRequests::Answer::KillApp:
      if (s_.app == App::Alive) kill_app(fact::KillReason::ThirdSignal);
      s_.leftovers.hurry(now_);
      if (s_.phase == Phase::Quiescing) check_leftovers();
      return;
    case StopRequests::Answer::Swallow:
    case StopRequests::Answer::AbandonFlush:
      return;
  }
}

void Machine::begin_stop(int signal, std::int32_t sender) {
  // First of all the app: the rest of this step takes nothing from its time.
  const bool has_it_already =
      s_.rules.host_signals_every_process && s_.stop.first && signal == SIGTERM;
  if (!has_it_already) act(action::SignalApp{signal});
  if (std::exchange(s_.suspended, false)) act(action::ResumeApp{});
  act(action::ContinueApp{});
  s_.phase = Phase::Stopping;
  s_.timeline = host_timeline();
  s_.phase_until = s_.timeline->app_until;
  if (s_.worker.condition == Condition::Down) spawn_worker();
  order(Order::Stopping);
  const auto& line = *s_.timeline;
  tell(fact::StopBegun{signal,
                       sender,
                       {duration_cast<milliseconds>(line.app_until - line.begun),
                        duration_cast<milliseconds>(line.flush_until - line.app_until),
                        duration_cast<milliseconds>(line.end - line.flush_until)}});
}

// The host's clock runs now; there may be less time than there was, never more.
void Machine::on_host_clock() {
  s_.timeline = hasten(*s_.timeline, host_timeline());
  if (s_.phase == Phase::Stopping && !s_.app_killed) s_.phase_until = s_.timeline->app_until;
  if (s_.phase == Phase::Flushing) s_.phase_until = s_.timeline->answer_until;
  order(Order::Stopping);
  if (s_.phase == Phase::Flushing) order(Order::Flush);
}

void Machine::kill_app(fact::KillReason reason) {
  if (s_.app_killed) return;
  s_.app_killed = true;
  s_.phase_until = kill_limit(*s_.timeline, now_);
  act(action::KillApp{});
  tell(fact::AppKilled{reason, since(s_.timeline->begun)});
}

void Machine::abandon() {
  if (s_.abandoned) return;
  s_.abandoned = true;
  tell(fact::FlushAbandoned{});
  if (s_.phase == Phase::Leaving) return act(action::KillReplicator{});
  if (s_.app == App::Alive) return kill_app(fact::KillReason::Terminal);
  if (s_.phase == Phase::Quiescing) act(action::SignalLeftovers{SIGKILL});
  flush();
}

void Machine::quiesce() {
  order(Order::AppGone);
  if (s_.abandoned) return flush();
  s_.phase = Phase::Quiescing;
  check_leftovers();
}

void Machine::check_leftovers() {
  s_.phase_until = now_ + kLeftoverCheck;
  act(action::CheckLeftovers{});
}

void Machine::operator()(const event::OtherReaped&) {
  if (s_.phase == Phase::Quiescing) check_leftovers();
}

void Machine::operator()(const event::Leftovers& event) {
  if (s_.phase != Phase::Quiescing) return;
  const bool is_first_look = !s_.leftovers.term_until;
  if (is_first_look && event.processes > 0) tell(fact::LeftoversFound{event.processes});
  switch (s_.leftovers.on_look(event.processes, *s_.timeline, now_)) {
    case Leftovers::Answer::Done:
      return flush();
    case Leftovers::Answer::Terminate:
      return act(action::SignalLeftovers{SIGTERM});
    case Leftovers::Answer::Wait:
      return;
    case Leftovers::Answer::Kill:
      return act(action::SignalLeftovers{SIGKILL});
    case Leftovers::Answer::GiveUp:
      tell(fact::LeftoversRemain{event.processes});
      return flush();
  }
}

void Machine::flush() {
  s_.phase = Phase::Flushing;
  s_.phase_until = s_.timeline->answer_until;
  const bool will_not_flush =
      s_.worker.condition == Condition::None || s_.worker.condition == Condition::GaveUp;
  if (will_not_flush) return leave(final_status(), kLeaveLimit);
  if (s_.abandoned) return flush_failed("abandoned");
  order(Order::Flush);
}

void Machine::flush_failed(std::string missing) {
  s_.flush = FlushResult::Failed;
  s_.missing = std::move(missing);
  if (s_.worker.is_alive) act(action::KillReplicator{});
  leave(final_status(), kLeaveLimit);
}

void Machine::leave(int status, milliseconds limit) {
  s_.exit_status = status;
  s_.phase = Phase::Leaving;
  s_.worker.forget_deadlines();
  if (!s_.worker.is_alive) return exit_now();
  act(action::CloseChannel{});
  s_.phase_until = now_ + limit;
  // The host's clock is not ours to spend: half of what is left of it, at most.
  if (s_.timeline && s_.stop.first) {
    const auto left = std::max(s_.timeline->end - now_, MonoTime::duration{0});
    s_.phase_until = std::min(*s_.phase_until, now_ + left / 2);
  }
}

void Machine::exit_now() {
  fact::Stopped fact;
  fact.exit_code = s_.exit_status;
  fact.flush = s_.flush;
  fact.missing = s_.missing;
  fact.txid = s_.txid;
  fact.lag_bytes = s_.lag_bytes;
  fact.fencing = s_.fencing;
  if (s_.timeline) {
    fact.total = since(s_.timeline->begun);
    fact.left = duration_cast<milliseconds>(s_.timeline->end - now_);
  }
  tell(std::move(fact));
  s_.phase = Phase::Done;
  s_.phase_until.reset();
  act(action::Exit{s_.exit_status});
}

void Machine::operator()(const event::DeadlinePassed&) {
  const auto due = s_.worker.on_time(now_);
  if (due.steady_after_deaths > 0) tell(fact::ReplicatorSteady{due.steady_after_deaths});
  if (due.hangs) {
    tell(fact::ReplicatorHangs{});
    act(action::KillReplicator{});
  }
  if (due.restart) spawn_worker();
  if (s_.phase_until && *s_.phase_until <= now_) on_phase_time();
}

void Machine::on_phase_time() {
  switch (s_.phase) {
    case Phase::Starting:
      s_.phase_until.reset();
      if (s_.worker.condition == Condition::None || s_.worker.is_ready()) act(action::StartApp{});
      return;
    case Phase::Stopping:
      if (!s_.app_killed) return kill_app(fact::KillReason::Deadline);
      tell(fact::AppDoesNotDie{});
      s_.app = App::Gone;
      s_.app_status = 128 + SIGKILL;
      return quiesce();
    case Phase::Quiescing:
      return check_leftovers();
    case Phase::Flushing:
      return flush_failed("the replicator did not answer in time");
    case Phase::Leaving:
      act(action::KillReplicator{});
      return exit_now();
    case Phase::Running:
    case Phase::Done:
      return;
  }
}

Timeline Machine::timeline_of(milliseconds grace) const {
  const auto need = s_.rules.replicates ? FlushNeed::Final : FlushNeed::None;
  return plan_timeline({.grace = grace, .need = need, .estimate = s_.estimate}, now_);
}

Timeline Machine::host_timeline() const {
  return timeline_of(s_.rules.grace > milliseconds{0} ? s_.rules.grace : kGraceWithoutGrace);
}

// A fenced database is somebody else's, whatever the app said. A bad flush changes success only.
int Machine::final_status() const {
  if (s_.fenced) return kRefusedCode;
  const bool is_stored = s_.worker.condition == Condition::None || s_.flush == FlushResult::Ok;
  if (s_.app_status == 0 && !is_stored && s_.rules.flush_failed_code != 0) {
    return s_.rules.flush_failed_code;
  }
  return s_.app_status;
}

}  // namespace

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
  const auto worker = state.worker.deadline();
  if (!worker || !state.phase_until) return worker ? worker : state.phase_until;
  return std::min(*worker, *state.phase_until);
}

}  // namespace walwrap::supervisor
