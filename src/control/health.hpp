// Whether what was written is stored in time: a watchdog beside the pipeline, not in it. Pure; fed
// by the control thread.
//
// It makes three comparisons, and the worst one counts. The WAL's time and size change with each
// write: when they did, against the moment up to which everything is said to be stored. And the
// WAL's end against the position that is said to be stored: a capture that looks at the wrong file
// finds nothing new and says that all is stored, but its position stands still. And the files at
// the path, by identity, size and time, against those that the capture says it has. A database that
// waits to be attached has no WAL that could tell: all of it counts as not stored meanwhile.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/mailboxes.hpp"

namespace walwrap::control {

// What a look at the WAL file shows; equal while nothing is written.
struct WalStamp {
  bool exists = false;
  Bytes size = 0;
  WallTime modified{};
  bool operator==(const WalStamp&) const = default;
};

struct Health {
  bool ok = true;
  std::string reason{};  // why it is red
  std::chrono::milliseconds lag{0};
};

// One look at the WAL, and what was said about it then.
struct WalObservation {
  WalStamp wal;
  bool has_more = false;                     // it holds a commit beyond stored.wal
  std::optional<MonoTime> waits_since = {};  // the database is there, and is not attached
  replication::StoredUpTo stored;            // as the pipeline has it
  std::string error = {};                    // what is known to be wrong
  std::string replica_lost = {};             // why what was stored is not there any more; "": it is
  replication::DatabaseFiles attached = {};  // as the pipeline has them
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
  std::optional<MonoTime> unstored_since_;  // the oldest one that is not said to be stored
  std::optional<wal::Position> position_;   // stored, at the last look
  std::optional<MonoTime> stuck_since_;     // commits beyond it, and it has not moved
  std::optional<MonoTime> other_since_;     // another file is at the path, or another content
  std::optional<os::FileStamp> known_;      // of the database, at the last look
};

}  // namespace walwrap::control
