#include "walwrap/control/health.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walwrap::control {

Health Watchdog::look(const Sight& sight, MonoTime now) {
  compare_times(sight, now);
  compare_positions(sight, now);
  compare_files(sight, now);
  Health health;
  const MonoTime since = std::min({unstored_since_.value_or(now), stuck_since_.value_or(now),
                                   other_since_.value_or(now), sight.waits_since.value_or(now)});
  health.lag = std::chrono::duration_cast<std::chrono::milliseconds>(now - since);
  if (!sight.replica_lost.empty()) {
    health.ok = false;
    health.reason = sight.replica_lost;
    return health;
  }
  if (health.lag <= max_lag_) return health;
  health.ok = false;
  std::string trouble = sight.trouble;
  if (trouble.empty() && other_since_) trouble = "the file at the path is not the captured one";
  health.reason = fmt::format("what was written {} ago is not stored yet{}{}",
                              format_duration(std::chrono::floor<std::chrono::seconds>(health.lag)),
                              trouble.empty() ? "" : ": ", trouble);
  return health;
}

void Watchdog::compare_times(const Sight& sight, MonoTime now) {
  // The first look cannot know when it was written: from now on, it counts.
  const LogFace& log = sight.log;
  const bool is_written = face_ ? !(*face_ == log) && log.exists : log.exists && log.size > 0;
  face_ = log;
  if (is_written) {
    changed_ = now;
    if (!unstored_since_) unstored_since_ = now;
  }
  if (unstored_since_ && sight.stored.as_of >= changed_) {
    unstored_since_.reset();
  } else if (unstored_since_) {
    unstored_since_ = std::max(*unstored_since_, sight.stored.as_of);
  }
}

void Watchdog::compare_files(const Sight& sight, MonoTime now) {
  // A stamp that moves between two looks is behind checkpoints that go on.
  const bool moves = known_ != sight.attached.database;
  known_ = sight.attached.database;
  bool is_other = !replication::is_as_attached(sight.attached, sight.at_path);
  if (is_other && moves && sight.at_path.has_database()) {
    is_other = replication::find_difference(sight.attached, sight.at_path) !=
               replication::Difference::None;
  }
  if (!is_other) {
    other_since_.reset();
  } else if (!other_since_) {
    other_since_ = now;
  }
}

void Watchdog::compare_positions(const Sight& sight, MonoTime now) {
  const bool has_moved = position_ != sight.stored.log;
  position_ = sight.stored.log;
  if (!sight.has_more) {
    stuck_since_.reset();
  } else if (has_moved || !stuck_since_) {
    stuck_since_ = now;
  }
}

}  // namespace walwrap::control
