// Everybody who waits for something of one database, as one list.
//
// Pure. A wait ends once: when what it is for has come true, when its time is over, or when it can
// never come true. It never ends as Stored before an upload that saw its commit is acknowledged,
// nor while it is not known that the replica still holds that: without a position it first waits
// for a look that began after it (its ticket), and then for what that look has found.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/sync_requests.hpp"

namespace walwrap::control {

struct Wait {
  // What is committed by now; that it is stored; that a snapshot was made, for better or worse.
  enum class For { Found, Stored, Snapshot };
  std::uint64_t id = 0;
  For what = For::Stored;
  std::uint64_t ticket = 0;                                  // of the look; or
  std::optional<replication::CommitPosition> position = {};  // what it is for
  RandomId file{};                                           // that it is about; 0: not known
  MonoTime deadline{};
};

struct Ended {
  enum class How {
    Found,
    Stored,
    SnapshotDone,
    TimedOut,
    Replaced,  // the file is another one now
    Halted,    // nothing is stored any more
  };
  std::uint64_t id = 0;
  How how = How::TimedOut;
  std::optional<replication::CommitPosition> position;  // what it is or was for, if known
};

class WaitList {
 public:
  void add(const Wait& wait);
  void remove(std::uint64_t id);
  std::vector<Ended> on_progress(const replication::Progress& progress);
  std::vector<Ended> on_time(MonoTime now);
  std::optional<MonoTime> next_deadline() const;
  std::size_t size() const { return waits_.size(); }

 private:
  using Order = std::set<std::pair<std::uint64_t, std::uint64_t>>;  // what for, whose
  Ended end(std::uint64_t id, Ended::How how);
  void end_all(Ended::How how, std::vector<Ended>& out);
  void find(const replication::Progress& progress, std::vector<Ended>& out);
  void move_to_new_attachment(const replication::Progress& progress, std::vector<Ended>& out);
  void aim(Wait& wait, const replication::CommitPosition& at);

  std::map<std::uint64_t, Wait> waits_;
  Order by_ticket_;  // those without a position
  Order by_commit_;  // those with one, all of `attachment_`
  Order by_snapshot_;
  std::set<std::pair<MonoTime, std::uint64_t>> by_deadline_;
  RandomId attachment_;
};

}  // namespace walwrap::control
