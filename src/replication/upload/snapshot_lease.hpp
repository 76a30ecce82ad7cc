// A read snapshot that the capture thread has lent, and its return.
//
//   state     who has the snapshot  read_page()  left by
//   Reading   this lease            the page     give_back() -> Home; a recall -> Recalled
//   Recalled  this lease            Cancelled    give_back() -> Home
//   Home      the capture thread    is a bug     -
//
// The capture thread makes a lease from a snapshot that has begun. The lease moves to the upload
// thread inside a job, and one thread uses it at a time. However a job ends, the snapshot is ended
// and returned exactly once: when the upload needs it no longer, after the compaction that follows
// the upload, or at the latest when the lease is destroyed. A recall only makes the reads fail. The
// upload then returns the snapshot as after any other error.
//
// The snapshot has to be destroyed before its CheckpointOwner (Law 1). So a lease, and what its
// Home refers to, must end before the capture loop does.
#pragma once

#include <functional>
#include <memory>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/sqlite/snapshot.hpp"

namespace walwrap::replication {

class SnapshotLease {
 public:
  // Called on the thread that has the lease. Must not throw.
  struct Home {
    std::function<void(std::unique_ptr<sqlite::Snapshot>)> give_back;  // gets the ended snapshot
    std::function<bool()> is_recalled;  // asked before each page of this lease
  };
  enum class State { Reading, Recalled, Home };

  SnapshotLease() = default;  // Home: nothing is lent
  SnapshotLease(std::unique_ptr<sqlite::Snapshot> begun, Home home);
  SnapshotLease(SnapshotLease&&) noexcept = default;
  SnapshotLease& operator=(SnapshotLease&& other) noexcept;
  ~SnapshotLease() { give_back(); }

  State state() const;
  bool is_held() const { return snapshot_ != nullptr; }
  // Also for a snapshot that was returned: its recall may have been the reason.
  bool was_recalled() const { return home_.is_recalled && home_.is_recalled(); }
  // Reads exactly one page. Cancelled: the snapshot is recalled. Otherwise like
  // Snapshot::read_page.
  Result<void> read_page(Pgno pgno, MutableByteSpan page) const;
  // Ends the snapshot and returns it. Does nothing if it was returned before.
  void give_back();

 private:
  std::unique_ptr<sqlite::Snapshot> snapshot_;
  Home home_;
};

// The error of a read from a recalled snapshot.
inline constexpr const char* kRecalled = "the WAL became too long";

}  // namespace walwrap::replication
