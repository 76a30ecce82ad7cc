#include "walwrap/supervisor/machine.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace walwrap::supervisor {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Condition = Worker::Condition;

void Machine::on_stop_signal(const os::ReceivedSignal& signal) {
  // A terminal's hang-up is a stop, unless the user gave SIGHUP another meaning.
  const bool is_hang_up = signal.number == SIGHUP && !s_.rules.signals.is_stop(SIGHUP);
  const int number = is_hang_up ? SIGTERM : signal.number;
  const auto answer = s_.stop.on_signal(signal, now_);
  if (s_.phase == Phase::Standby) return exit_with(s_.exit_status);
  if (s_.phase == Phase::Starting) {
    tell(fact::StartAborted{number});
    return leave(128 + number, kAbortLimit);
  }
  if (answer == StopRequests::Answer::AbandonFlush) return abandon();
  if (s_.phase == Phase::Leaving) return;
  switch (answer) {
    case StopRequests::Answer::First:
      if (s_.phase == Phase::Running) return begin_stop(number, signal.sender);
      return on_platform_clock();
    case StopRequests::Answer::PassOn:
      return pass_on(number);
    case StopRequests::Answer::KillApp:
      if (!s_.rules.kills_app) return pass_on(number);
      if (s_.app == App::Alive) kill_app(fact::KillReason::ThirdSignal);
      s_.stragglers.hurry(now_);
      if (s_.phase == Phase::Quiescing) check_stragglers();
      return;
    case StopRequests::Answer::Swallow:
    case StopRequests::Answer::AbandonFlush:
      return;
  }
}

void Machine::pass_on(int signal) {
  if (s_.app != App::Alive || s_.app_killed) return;
  signal_app(signal);
  act(action::ContinueApp{});
}

void Machine::begin_stop(int signal, std::int32_t sender) {
  // The app first: the rest of this step takes no time from it.
  const bool has_it_already = s_.rules.platform_signals_every_process && s_.stop.first &&
                              signal == SIGTERM && s_.rules.signals.in_place_of(SIGTERM) == SIGTERM;
  if (!has_it_already) signal_app(signal);
  if (std::exchange(s_.suspended, false)) act(action::ResumeApp{});
  act(action::ContinueApp{});
  s_.phase = Phase::Stopping;
  s_.timeline = platform_timeline();
  s_.phase_until = s_.timeline->app_until;
  if (s_.worker.condition == Condition::Down) spawn_worker();
  order(Order::Stopping);
  announce_stop();
  const auto& line = *s_.timeline;
  tell(fact::StopBegun{signal,
                       sender,
                       {duration_cast<milliseconds>(line.app_until - line.begun),
                        duration_cast<milliseconds>(line.flush_until - line.app_until),
                        duration_cast<milliseconds>(line.end - line.flush_until)}});
}

void Machine::signal_app(int signal) {
  const int number = s_.rules.signals.in_place_of(signal);
  if (number != 0) act(action::SignalApp{number});
}

// The platform's clock runs now. There may be less time than before, never more.
void Machine::on_platform_clock() {
  s_.timeline = hasten(*s_.timeline, platform_timeline());
  if (s_.phase == Phase::Stopping && !s_.app_killed) s_.phase_until = s_.timeline->app_until;
  if (s_.phase == Phase::Flushing) s_.phase_until = s_.timeline->answer_until;
  order(Order::Stopping);
  if (s_.phase == Phase::Flushing) order(Order::Flush);
  announce_stop();
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
  if (s_.phase == Phase::Quiescing) act(action::SignalStragglers{SIGKILL});
  flush();
}

// No platform clock is running, so --exit-flush-timeout replaces the grace.
void Machine::end_by_itself() {
  s_.timeline = timeline_of(s_.rules.exit_flush_timeout);
  if (s_.worker.condition == Condition::Down) spawn_worker();
  order(Order::Stopping);
  announce_stop();
  quiesce();
}

// The app was not killed after its part. A client that waits for the app waits for the flush, too.
// If the platform does not, trying loses nothing.
void Machine::take_more_time() {
  const auto begun = s_.timeline->begun;
  s_.timeline = timeline_of(s_.rules.exit_flush_timeout);
  s_.timeline->begun = begun;
  announce_stop();
}

void Machine::announce_stop() {
  const auto needed = duration_cast<milliseconds>(s_.timeline->end - now_);
  announce({.kind = Announcement::Kind::Stopping, .needed = std::max(needed, milliseconds{0})});
}

void Machine::quiesce() {
  order(Order::AppGone);
  if (s_.abandoned) return flush();
  s_.phase = Phase::Quiescing;
  check_stragglers();
}

void Machine::check_stragglers() {
  s_.phase_until = now_ + kLeftoverCheck;
  act(action::CheckStragglers{});
}

void Machine::operator()(const event::OtherReaped&) {
  if (s_.phase == Phase::Quiescing) check_stragglers();
}

void Machine::operator()(const event::Stragglers& event) {
  if (s_.phase != Phase::Quiescing) return;
  const bool is_first_look = !s_.stragglers.term_until;
  if (is_first_look && event.processes > 0) tell(fact::LeftoversFound{event.processes});
  switch (s_.stragglers.on_look(event.processes, *s_.timeline, now_)) {
    case Stragglers::Answer::Done:
      return flush();
    case Stragglers::Answer::Terminate:
      return act(action::SignalStragglers{SIGTERM});
    case Stragglers::Answer::Wait:
      return;
    case Stragglers::Answer::Kill:
      return act(action::SignalStragglers{SIGKILL});
    case Stragglers::Answer::GiveUp:
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
  s_.flush = FlushOutcome::Failed;
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
  // The platform's clock is running: at most half of the time that is left.
  if (s_.timeline && s_.stop.first) {
    const auto left = std::max(s_.timeline->end - now_, MonoTime::duration{0});
    s_.phase_until = std::min(*s_.phase_until, now_ + left / 2);
  }
}

void Machine::exit_now() {
  const bool has_stopped = s_.timeline && !s_.stop.first && !s_.fenced;
  const bool stands_by = s_.hands_over && s_.rules.stands_by && has_stopped;
  if (stands_by) return stand_by();
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
  exit_with(s_.exit_status);
}

void Machine::exit_with(int status) {
  s_.exit_status = status;
  s_.phase = Phase::Done;
  s_.phase_until.reset();
  s_.manager_at.reset();
  act(action::Exit{status});
}

void Machine::stand_by() {
  tell(fact::StandsBy{s_.flush, s_.missing, s_.txid, since(s_.timeline->begun)});
  s_.worker.forget_deadlines();
  s_.phase = Phase::Standby;
  s_.phase_until = now_ + kStandbyLook;
}

void Machine::operator()(const event::OwnerFound& event) {
  if (s_.phase != Phase::Standby) return;
  if (event.is_there) return s_.unowned_since.reset();
  if (!s_.unowned_since) s_.unowned_since = now_;
  if (now_ - *s_.unowned_since < s_.rules.handover_timeout) return;
  tell(fact::NoSuccessor{since(*s_.unowned_since), kNoSuccessorCode});
  exit_with(kNoSuccessorCode);
}

Timeline Machine::timeline_of(milliseconds grace) const {
  const auto need = s_.rules.replicates ? FlushNeed::Final : FlushNeed::None;
  return plan_timeline(
      {.grace = grace, .need = need, .estimate = s_.estimate, .app = s_.rules.app_grace}, now_);
}

Timeline Machine::platform_timeline() const {
  return timeline_of(s_.rules.grace > milliseconds{0} ? s_.rules.grace : kGraceWithoutGrace);
}

// A fenced database belongs to another writer, whatever the app's status is. A failed flush changes
// only a success.
int Machine::final_status() const {
  if (s_.fenced) return kRefusedCode;
  // The app's end was walwrap's doing, however it ended.
  const bool hands_over = s_.hands_over && !s_.stop.first;
  const auto& good = s_.rules.ok_codes;
  const bool is_good = s_.stop.first && !s_.app_killed &&
                       std::find(good.begin(), good.end(), s_.app_status) != good.end();
  const int status = is_good || hands_over ? 0 : s_.app_status;
  const bool is_stored =
      s_.worker.condition == Condition::None || (s_.flush && *s_.flush <= FlushOutcome::Nothing);
  if (status == 0 && !is_stored && s_.rules.flush_failed_code != 0) {
    return s_.rules.flush_failed_code;
  }
  return status;
}

}  // namespace walwrap::supervisor
