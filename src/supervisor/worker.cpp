#include "walwrap/supervisor/worker.hpp"

#include <algorithm>

namespace walwrap::supervisor {

namespace {

using std::chrono::milliseconds;

bool has_passed(const std::optional<MonoTime>& time, MonoTime now) {
  return time && *time <= now;
}

}  // namespace

void Worker::on_spawn() {
  condition = Condition::Preparing;
  is_alive = true;
  restart_at.reset();
  ready_since.reset();
}

void Worker::on_ready(MonoTime now) {
  condition = Condition::Ready;
  refused = false;
  ready_since = now;
  if (restart_delay > milliseconds{0}) steady_at = now + kSteadyAfter;
}

void Worker::on_closed(WorkerStage stage, MonoTime now) {
  condition = Condition::Closing;
  steady_at.reset();
  // During a stop a new replicator is needed soon, and a healthy one ends quickly.
  hang_until = now + (stage == WorkerStage::Stopping ? kStoppingHangLimit : kHangLimit);
}

void Worker::on_refused(WorkerStage stage, MonoTime now) {
  on_closed(stage, now);
  refused = true;
  if (stage != WorkerStage::Stopping) return;
  condition = Condition::GaveUp;
  hang_until.reset();
}

Worker::Death Worker::on_death(WorkerStage stage, MonoTime now) {
  is_alive = false;
  hang_until.reset();
  steady_at.reset();
  if (condition == Condition::GaveUp) return {};
  condition = Condition::Down;

  const bool worked = ready_since && now - *ready_since >= kWorkedFor;
  ready_since.reset();
  restart_delay = restart_delay == milliseconds{0} || worked
                      ? kFirstRestart
                      : std::min(restart_delay * 2, kMostRestart);
  if (refused) restart_delay = kMostRestart;
  Death death;
  death.restart_in = restart_delay;
  if (stage == WorkerStage::Starting) ++starting_deaths;
  if (stage == WorkerStage::Stopping) {
    const bool is_first = stopping_deaths++ == 0;
    death.restart_in = is_first ? milliseconds{0} : std::min(restart_delay, kMostStoppingRestart);
  }
  if (death.restart_in > milliseconds{0}) restart_at = now + death.restart_in;
  death.is_told = deaths.on_failure(now) != FailureEpisode::Say::Nothing;
  return death;
}

Worker::Due Worker::on_time(MonoTime now) {
  Due due;
  if (has_passed(steady_at, now)) {
    steady_at.reset();
    restart_delay = milliseconds{0};
    const int count = deaths.failures();
    if (deaths.on_success() == FailureEpisode::Say::Ended) due.steady_after_deaths = count;
  }
  if (has_passed(hang_until, now)) {
    hang_until = now + kHangLimit;  // killed once more if it still exists
    due.hangs = true;
  }
  if (has_passed(restart_at, now)) {
    restart_at.reset();
    due.restart = true;
  }
  return due;
}

std::optional<MonoTime> Worker::deadline() const {
  std::optional<MonoTime> earliest;
  for (const auto& time : {restart_at, hang_until, steady_at}) {
    if (time && (!earliest || *time < *earliest)) earliest = time;
  }
  return earliest;
}

void Worker::forget_deadlines() {
  restart_at.reset();
  hang_until.reset();
  steady_at.reset();
}

}  // namespace walwrap::supervisor
