// The replicator as init sees it: whether it runs, and when it is restarted.
//
// Pure; part of lifecycle's State. A replicator that dies is restarted after 100 ms. One that was
// not Ready for half a second before it died is restarted after twice as long each time, up to 10
// s. During a stop there is no time for that: the first one is restarted at once, later ones within
// 500 ms.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::supervisor {

inline constexpr std::chrono::milliseconds kFirstRestart{100};
inline constexpr std::chrono::milliseconds kMostRestart{10'000};
inline constexpr std::chrono::milliseconds kMostStoppingRestart{500};
inline constexpr std::chrono::milliseconds kWorkedFor{500};  // Ready: its work is not its death
inline constexpr std::chrono::milliseconds kSteadyAfter{10'000};     // Ready: the deaths are over
inline constexpr std::chrono::milliseconds kHangLimit{2'000};        // channel closed, still there
inline constexpr std::chrono::milliseconds kStoppingHangLimit{300};  // the same, during a stop

enum class WorkerStage { Starting, Running, Stopping };

struct Worker {
  enum class Condition {
    None,       // no replication
    Preparing,  // forked, not Ready yet
    Ready,
    Closing,  // its channel is closed, and it is not reaped yet
    Down,     // waits for its restart
    GaveUp,   // refused during a stop: it will not flush
  };
  Condition condition = Condition::None;
  bool is_alive = false;  // forked and not reaped
  bool refused = false;   // beside a running app: the next restart has the longest delay
  std::optional<MonoTime> restart_at;
  std::optional<MonoTime> hang_until;  // then it is killed
  std::optional<MonoTime> ready_since;
  std::optional<MonoTime> steady_at;  // then crashes no longer count, which is logged
  std::chrono::milliseconds restart_delay{0};
  int starting_deaths = 0;
  int stopping_deaths = 0;
  FailureEpisode deaths;

  bool is_ready() const { return condition == Condition::Ready; }
  bool is_listening() const { return is_ready() || condition == Condition::Preparing; }

  void on_spawn();
  void on_ready(MonoTime now);
  void on_closed(WorkerStage stage, MonoTime now);
  // It refused a restart. It has reported that and will exit.
  void on_refused(WorkerStage stage, MonoTime now);

  struct Death {
    std::chrono::milliseconds restart_in{0};  // 0: at once; else restart_at is set
    bool is_told = false;                     // to be logged
  };
  Death on_death(WorkerStage stage, MonoTime now);

  struct Due {
    bool restart = false;
    bool hangs = false;
    int steady_after_deaths = 0;  // 0: nothing to log
  };
  Due on_time(MonoTime now);

  std::optional<MonoTime> deadline() const;
  void forget_deadlines();
};

}  // namespace walwrap::supervisor
