// Decides when the replica is checked, and keeps the results. For one uploader, on its thread.
//
// A directory is checked before and after each upload, which costs some system calls, and every ten
// seconds. It is held by device and inode, so another directory of the same name is checked
// completely. A bucket is checked with up to four requests once a minute while uploads go to it.
// The chain is listed after the start, then at long intervals, and at the end.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/backoff.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/upload/replica_check.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// A stop waits for a snapshot that repairs the replica only if the database is at most this large.
inline constexpr Bytes kLargestHurriedSnapshot = 16ULL << 20;

// For other threads.
struct ReplicaReport {
  MonoTime proven_until{};      // a check that found it unchanged is valid until then
  std::string lost{};           // why nothing may be stored in it; "": it is the right one
  std::string hint{};           // what the user can do
  std::string broken{};         // what is missing in the chain; "": nothing known
  bool wants_snapshot = false;  // a snapshot would repair the chain, and it is time for one
};

class ReplicaWatch {
 public:
  // The start has just checked identity and newest upload of this store. null: it could not.
  ReplicaWatch(storage::ObjectStore* store, MonoTime now);

  struct Held {
    storage::ObjectStore& store;
    KeyStyle style = KeyStyle::Directory;
    SavedState& state;
    PageSums& sums;
    const Log& log;
  };
  enum class Required {
    Ours,
    MovedBack,  // older: `state` and `sums` are of its newest TXID, by a new writer
  };
  // Checks, and rewrites a missing identity. A replica with a broken chain is still the right one.
  // Errors: Unavailable (why nothing may be stored there, and what to do), and those of the store.
  Result<Required> require(const Held& held, LookAt what, MonoTime now);
  // The last check, see verify_replica().
  Result<void> verify(storage::ObjectStore& store, KeyStyle style, const SavedState& state);
  void on_stored(MonoTime now);
  // The chain may be repaired: it is checked next.
  void on_snapshot(MonoTime now) { next_chain_ = now; }
  void on_snapshot_asked(MonoTime now);

  ReplicaExpectation expect(const SavedState& state) const;
  // False: a bucket, or an empty directory.
  bool holds_directory(storage::ObjectStore& store);
  const ReplicaReport& report() const { return report_; }
  MonoTime due() const { return std::min(next_newest_, next_chain_); }
  LookAt due_look(MonoTime now) const {
    return now >= next_chain_ ? LookAt::Chain : LookAt::Newest;
  }
  void look_soon(LookAt what, MonoTime now);

 private:
  bool is_directory() const { return place_ && *place_ != storage::Place{}; }
  Result<ReplicaVerdict> look(const Held& held, LookAt what, MonoTime now);
  Result<void> move_back(const ReplicaVerdict& found, const Held& held);
  Result<ReplicaVerdict> look_and_judge(const Held& held, LookAt& what);
  void note(const Result<ReplicaVerdict>& found, LookAt what, MonoTime now);
  void note_error(const Error& error);
  void schedule(bool well, LookAt what, MonoTime now);

  std::optional<storage::Place> place_;  // none: not checked yet
  std::vector<RandomId> writers_;
  ReplicaReport report_;
  bool stored_since_ = false;
  MonoTime looked_{};
  MonoTime next_newest_;
  MonoTime next_chain_;
  Backoff mend_again_;
  MonoTime mend_after_{};
};

}  // namespace walwrap::replication
