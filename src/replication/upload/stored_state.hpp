// What the store has acknowledged: the state and the page sums as of that state. Decides when both
// are saved.
//
//   state      means                                        left by
//   saved      the state file is as this one is             acknowledge(), adopt(), note_equal()
//   unsaved    uploads are newer than the state file        save()
//
// The sums are never older than the saved state: they are made durable first. After a crash,
// records newer than the state are read back from the store (state.hpp). So the saved state may lag
// by 5 s or 1,024 uploads, and a save costs two fsyncs on the app's disk.
//
// Owned by the uploader, on the upload thread.
#pragma once

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/upload/job.hpp"
#include "walwrap/replication/upload/snapshot_file.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

class StoredState {
 public:
  StoredState(StateDir directory, PageSums sums, SavedState state, const os::Clock& clock,
              const Log& log);

  const SavedState& get() const { return state_; }
  const PageSums& sums() const { return sums_; }
  // For changes of both as a whole: a start that reaches the replica late, or a replica that has
  // lost uploads. Call save() afterwards.
  SavedState& state_to_change() { return state_; }
  PageSums& sums_to_change() { return sums_; }

  // The store has acknowledged the pages of the job as the upload `txid`.
  Result<void> acknowledge(const UploadJob& job, Txid txid, const Encoded& encoded,
                           storage::ObjectStore& store, KeyStyle style);
  // The next slot holds an upload of this writer, from this start or an earlier one, that was not
  // acknowledged. It counts, and its sums are read back from the store.
  Result<void> adopt(RandomId node, storage::ObjectStore& store, KeyStyle style);
  // A comparison has found that the database up to here equals what is stored.
  void note_equal(const wal::Position& covers);

  // When to call save_if_due(). max: there is nothing to save.
  MonoTime save_due() const;
  void save_if_due(MonoTime now);
  Result<void> save(bool clean);
  void check_invariants() const;

 private:
  StateDir directory_;
  PageSums sums_;
  SavedState state_;
  const os::Clock& clock_;
  const Log& log_;
  MonoTime saved_at_;
  Txid saved_txid_;
  bool unsaved_ = false;
};

}  // namespace walwrap::replication
