// When the replica is looked at, and what is known of it since: of one uploader, on its thread.
//
// A directory is looked at before and after each upload, for that costs some system calls, and
// every ten seconds; it is held by device and inode, so a place of the same name is looked at as a
// whole. A bucket is looked at in up to four requests once a minute while things are stored in it.
// The chain is listed after the start, then once in a while, and at the end.
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

// A stop waits for a snapshot that mends the replica, if the database is no larger.
inline constexpr Bytes kLargestHurriedSnapshot = 16ULL << 20;

// For other threads.
struct ReplicaReport {
  MonoTime proven_until{};      // a look that found it as we have left it counts until then
  std::string lost{};           // why nothing may be stored in it; "": it is ours
  std::string hint{};           // what a person can do about it
  std::string broken{};         // what is missing of the chain; "": nothing known of
  bool wants_snapshot = false;  // one would mend the chain, and it is time for it
};

class ReplicaWatch {
 public:
  // The start has looked at identity and newest upload of this store just now; null: it could not.
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
    MovedBack,  // ours, but older: `state` and `sums` are of its newest TXID, by a new writer
  };
  // Looks, and rewrites an identity that is missing. A chain that is broken is ours all the
  // same. Errors: Unavailable (why nothing may be stored there, and what to do), those of the
  // store.
  Result<Required> require(const Held& held, LookAt what, MonoTime now);
  // The last look, see verify_replica().
  Result<void> verify(storage::ObjectStore& store, KeyStyle style, const SavedState& state);
  void on_stored(MonoTime now);
  // The chain was mended, perhaps: it is looked at next.
  void on_snapshot(MonoTime now) { next_chain_ = now; }
  void on_snapshot_asked(MonoTime now);

  ReplicaExpectation expect(const SavedState& state) const;
  // Not so: a bucket, or nothing is there yet.
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

  std::optional<storage::Place> place_;  // none: not looked at yet
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
