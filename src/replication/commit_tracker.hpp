// Which of the commits found in the WAL are stored. Counts only. Pure; owned by the capture loop.
// The content that an attachment finds counts as its first commit until it is known to be stored.
//
// An upload stores everything that was committed when its snapshot was taken, because it takes
// every pending page along. A failed one stores nothing, and its pages are pending again.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/sync_requests.hpp"

namespace walwrap::replication {

class CommitTracker {
 public:
  explicit CommitTracker(Txid txid) { progress_.txid = txid; }

  void on_attached(RandomId file, RandomId attachment);
  void on_detached();
  void on_halted(const std::string& reason) { progress_.halted = reason; }
  // Everything that was committed before `requested` was read has been found.
  void on_look(std::uint64_t commits, const Requested& requested);
  // A job that covers every commit so far.
  void on_taken(std::uint64_t commits);
  enum class Became { Stored, NothingNew };
  void on_done(Became what, Txid txid);
  // It is unknown what is stored: the replica has lost uploads, or may have.
  void on_unknown() { progress_.stored = 0; }
  void on_proven(bool is_proven) { progress_.is_proven = is_proven; }
  void on_snapshot(SnapshotDone done) { progress_.snapshot = std::move(done); }
  // No page of these commits is pending or in a job.
  void on_all_stored(std::uint64_t commits);

  // A client has requested to store now, or a client waits.
  bool is_urgent() const { return progress_.stored < store_now_; }
  bool is_awaited() const { return progress_.stored < awaited_; }
  const Progress& progress() const { return progress_; }

 private:
  Progress progress_;
  RandomId taken_in_;            // the attachment of the job
  std::uint64_t taken_ = 0;      // commits that it covers
  std::uint64_t store_now_ = 0;  // commits that are urgent, and commits that clients wait for
  std::uint64_t awaited_ = 0;
  std::uint64_t store_now_ticket_ = 0;
};

}  // namespace walwrap::replication
