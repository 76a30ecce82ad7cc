// The machine behind step(): one copy of the state, changed by one event. Pure.
//
// lifecycle.cpp has the start and the app's life; machine.cpp has the stop and everything after it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "walwrap/supervisor/lifecycle_state.hpp"

namespace walwrap::supervisor {

// One step: a copy of the state that one event changes, and the actions that follow.
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
  void operator()(const event::JobControl& event);
  void operator()(const event::AppStopped& event);
  void operator()(const event::OtherReaped&);
  void operator()(const event::Stragglers& event);
  void operator()(const event::OwnerFound& event);
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
  void on_hand_over(const std::string& to);
  // The stop.
  void on_stop_signal(const os::ReceivedSignal& signal);
  void begin_stop(int signal, std::int32_t sender);
  void pass_on(int signal);
  void signal_app(int signal);
  void on_platform_clock();
  void kill_app(fact::KillReason reason);
  void abandon();
  // The end.
  void end_by_itself();
  void quiesce();
  void check_stragglers();
  void flush();
  void flush_failed(std::string missing);
  void leave(int status, std::chrono::milliseconds limit);
  void exit_now();
  void stand_by();
  void exit_with(int status);
  void on_phase_time();
  // The time line, and the messages about it.
  void take_more_time();
  void announce_stop();
  void tell_manager();
  std::optional<MonoTime> next_to_manager() const;

  Timeline timeline_of(std::chrono::milliseconds grace) const;
  Timeline platform_timeline() const;
  int final_status() const;
  WorkerStage worker_stage() const;
  std::chrono::milliseconds since(MonoTime time) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now_ - time);
  }
  void act(Action action) { actions_.push_back(std::move(action)); }
  void announce(Announcement what) { act(action::Announce{what}); }
  void tell(Fact fact) { act(action::Say{std::move(fact)}); }

  State s_;
  MonoTime now_;
  std::vector<Action> actions_;
};

}  // namespace walwrap::supervisor
