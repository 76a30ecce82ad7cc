#include "walwrap/control/health.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walwrap::control {

Health Watchdog::look(const WalObservation& seen, MonoTime now) {
  compare_times(seen, now);
  compare_positions(seen, now);
  compare_files(seen, now);
  Health health;
  const MonoTime since = std::min({unstored_since_.value_or(now), stuck_since_.value_or(now),
                                   other_since_.value_or(now), seen.waits_since.value_or(now)});
  health.lag = std::chrono::duration_cast<std::chrono::milliseconds>(now - since);
  if (!seen.replica_lost.empty()) {
    health.ok = false;
    health.reason = seen.replica_lost;
    return health;
  }
  if (health.lag <= max_lag_) return health;
  health.ok = false;
  std::string error = seen.error;
  if (error.empty() && other_since_) error = "the file at the path is not the replicated one";
  health.reason = fmt::format("a write from {} ago is not stored yet{}{}",
                              format_duration(std::chrono::floor<std::chrono::seconds>(health.lag)),
                              error.empty() ? "" : ": ", error);
  return health;
}

void Watchdog::compare_times(const WalObservation& seen, MonoTime now) {
  // The first check cannot know when it was written: it counts from now on.
  const WalStamp& wal = seen.wal;
  const bool is_written = wal_ ? !(*wal_ == wal) && wal.exists : wal.exists && wal.size > 0;
  wal_ = wal;
  if (is_written) {
    changed_ = now;
    if (!unstored_since_) unstored_since_ = now;
  }
  if (unstored_since_ && seen.stored.as_of >= changed_) {
    unstored_since_.reset();
  } else if (unstored_since_) {
    unstored_since_ = std::max(*unstored_since_, seen.stored.as_of);
  }
}

void Watchdog::compare_files(const WalObservation& seen, MonoTime now) {
  // A stamp that changed between two checks is out of date during checkpoints.
  const bool moves = known_ != seen.attached.database;
  known_ = seen.attached.database;
  bool is_other = !replication::is_as_attached(seen.attached, seen.at_path);
  if (is_other && moves && seen.at_path.has_database()) {
    is_other =
        replication::find_difference(seen.attached, seen.at_path) != replication::Difference::None;
  }
  if (!is_other) {
    other_since_.reset();
  } else if (!other_since_) {
    other_since_ = now;
  }
}

void Watchdog::compare_positions(const WalObservation& seen, MonoTime now) {
  const bool has_moved = position_ != seen.stored.wal;
  position_ = seen.stored.wal;
  if (!seen.has_more) {
    stuck_since_.reset();
  } else if (has_moved || !stuck_since_) {
    stuck_since_ = now;
  }
}

}  // namespace walwrap::control
