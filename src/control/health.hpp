// Whether commits are stored in time: a watchdog that is independent of the pipeline. Pure; fed by
// the control thread.
//
// It makes three comparisons, and the worst result counts. First, the WAL's time and size, which
// change with each write, against the moment up to which everything is reported as stored. Second,
// the WAL's end against the position that is reported as stored: a capture that reads the wrong
// file finds no commits and reports everything as stored, but its position does not move. Third,
// the files at the path, by identity, size and time, against those that the capture has open. A
// database that waits to be attached has no WAL to compare, so all of it counts as not stored.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/mailboxes.hpp"

namespace walwrap::control {

// The state of the WAL file at one check. It is the same while nothing is written.
struct WalStamp {
  bool exists = false;
  Bytes size = 0;
  WallTime modified{};
  bool operator==(const WalStamp&) const = default;
};

struct Health {
  bool ok = true;
  std::string reason{};  // why it is unhealthy
  std::chrono::milliseconds lag{0};
};

// One check of the WAL, and what the pipeline reported at that time.
struct WalObservation {
  WalStamp wal;
  bool has_more = false;                     // it has a commit beyond stored.wal
  std::optional<MonoTime> waits_since = {};  // the database exists and is not attached
  replication::StoredUpTo stored;            // as the pipeline reports it
  std::string error = {};                    // the known error
  std::string replica_lost = {};             // why stored data was lost; "": it was not
  replication::DatabaseFiles attached = {};  // as the pipeline reports them
  replication::DatabaseFiles at_path = {};
};

class Watchdog {
 public:
  explicit Watchdog(std::chrono::milliseconds max_lag) : max_lag_(max_lag) {}

  Health look(const WalObservation& seen, MonoTime now);

 private:
  void compare_times(const WalObservation& seen, MonoTime now);
  void compare_positions(const WalObservation& seen, MonoTime now);
  void compare_files(const WalObservation& seen, MonoTime now);

  std::chrono::milliseconds max_lag_;
  std::optional<WalStamp> wal_;
  MonoTime changed_{};                      // the newest write
  std::optional<MonoTime> unstored_since_;  // the oldest one that is not reported as stored
  std::optional<wal::Position> position_;   // stored, at the last check
  std::optional<MonoTime> stuck_since_;     // commits beyond it, and it has not moved
  std::optional<MonoTime> other_since_;     // the file or the content at the path is another one
  std::optional<os::FileStamp> known_;      // of the database, at the last check
};

}  // namespace walwrap::control
