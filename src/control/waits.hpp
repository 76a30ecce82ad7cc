// All waiting clients of one database, as one list.
//
// Pure. A wait ends once: when its condition is true, when its time is over, or when the condition
// can never become true. It ends as Stored only after an upload with its commit was acknowledged
// and while the replica is known to still hold that upload. Without a position, a wait first needs
// a look that began after it (its ticket), and then the position that the look found.
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
  // What is committed now; whether it is stored; whether a snapshot was made or failed.
  enum class For { Found, Stored, Snapshot };
  std::uint64_t id = 0;
  For what = For::Stored;
  std::uint64_t ticket = 0;                                  // of the look; or
  std::optional<replication::CommitPosition> position = {};  // the position to wait for
  RandomId file{};                                           // position of the answer; 0: not known
  MonoTime deadline{};
};

struct Ended {
  enum class How {
    Found,
    Stored,
    SnapshotDone,
    TimedOut,
    Replaced,  // another file is at the path now
    Halted,    // replication has ended
  };
  std::uint64_t id = 0;
  How how = How::TimedOut;
  std::optional<replication::CommitPosition> position;  // the position, if known
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
  using Order = std::set<std::pair<std::uint64_t, std::uint64_t>>;  // kind of wait, client
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
