// Whether what was written is stored in time: a watchdog beside the pipeline, not in it. Pure; fed
// by the control thread.
//
// It looks at the log file alone, whose time and size change with each write, and compares when it
// saw that with the moment up to which everything is said to be stored. Neither the wal-index nor
// the capture's count of commits is asked: should those be wrong or stand still, the file goes on.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "walwrap/base/types.hpp"

namespace walwrap::control {

// What a look at the log file shows; equal while nothing is written.
struct LogFace {
  bool exists = false;
  Bytes size = 0;
  WallTime modified{};
  bool operator==(const LogFace&) const = default;
};

struct Health {
  bool ok = true;
  std::string reason{};  // why it is red
  std::chrono::milliseconds lag{0};
};

class Watchdog {
 public:
  explicit Watchdog(std::chrono::milliseconds max_lag) : max_lag_(max_lag) {}

  // `stored_as_of`: what was written before then is stored. `trouble`: what is known to be wrong.
  Health look(const LogFace& log, MonoTime stored_as_of, const std::string& trouble, MonoTime now);

 private:
  std::chrono::milliseconds max_lag_;
  std::optional<LogFace> face_;
  std::optional<MonoTime> behind_since_;  // the oldest write that is not known to be stored
  MonoTime changed_{};                    // the newest one
};

}  // namespace walwrap::control
