#include "walwrap/control/health.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walwrap::control {

Health Watchdog::look(const LogFace& log, MonoTime stored_as_of, const std::string& trouble,
                      MonoTime now) {
  // The first look cannot know when it was written: from now on, it counts.
  const bool is_written = face_ ? !(*face_ == log) && log.exists : log.exists && log.size > 0;
  face_ = log;
  if (is_written) {
    changed_ = now;
    if (!behind_since_) behind_since_ = now;
  }
  if (behind_since_ && stored_as_of >= changed_) {
    behind_since_.reset();
  } else if (behind_since_) {
    behind_since_ = std::max(*behind_since_, stored_as_of);
  }
  Health health;
  if (!behind_since_) return health;
  health.lag = std::chrono::duration_cast<std::chrono::milliseconds>(now - *behind_since_);
  if (health.lag <= max_lag_) return health;
  health.ok = false;
  health.reason = fmt::format("what was written {} ago is not stored yet{}{}",
                              format_duration(std::chrono::floor<std::chrono::seconds>(health.lag)),
                              trouble.empty() ? "" : ": ", trouble);
  return health;
}

}  // namespace walwrap::control
