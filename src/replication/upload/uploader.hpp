// Page set -> store: reads the pages from a read snapshot, encodes one LTX file, and puts it
// create-only under the next TXID. Only an acknowledged file counts as stored.
//
// Owns the store, the saved state and the page sums; lives on the upload thread. Blocks in the
// store, which repeats calls without an answer. Touches SQLite only through the snapshot of a job
// (snapshot_lease.hpp). That snapshot keeps the WAL from restarting, so it must not wait for a
// store that does not answer. This determines how an upload reads its pages:
//
//   the batch              is read into  the snapshot ends     the put is repeated
//   up to 4 MiB            memory        when it is encoded    until it is answered
//   same, compaction due   memory        after the compaction  not; if it fails, the snapshot
//                                                              ends, then until it is answered
//   larger, room for copy  a copy        when it is copied     until it is answered
//   larger, no room        the request   with the answer       not
//   before a snapshot      either        after the snapshot    not
//
// A failed job returns its pages to the capture. A recalled snapshot is returned at once. The
// copies, and the pages that a comparison found equal, are kept for the next job.
//
//   state of the uploader   a job stores   left by
//   not connected           nothing        connect(): connected
//   connected               its pages      a replica that is older than our state: behind
//   behind                  nothing        a comparison of all pages: connected
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/ltx/encoder.hpp"
#include "walwrap/ltx/format.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replica/compaction.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/upload/compactor.hpp"
#include "walwrap/replication/upload/comparison.hpp"
#include "walwrap/replication/upload/job.hpp"
#include "walwrap/replication/upload/page_copy.hpp"
#include "walwrap/replication/upload/replica_watch.hpp"
#include "walwrap/replication/upload/snapshot_file.hpp"
#include "walwrap/replication/upload/stored_state.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

class Uploader {
 public:
  struct Dependencies {
    // Repeats calls without an answer. Null: not reached yet, `connect` makes it.
    std::unique_ptr<storage::ObjectStore> store;
    // Opens the store and checks that it still holds what the state says. May change the state.
    std::function<Result<std::unique_ptr<storage::ObjectStore>>(SavedState&, PageSums&)> connect;
    KeyStyle style = KeyStyle::Directory;
    StateDir directory;
    PageSums sums;
    SavedState state;
    // Asked while a snapshot or a compacted file is stored: a stop has begun, and the final flush
    // must not wait for the file.
    std::function<bool()> is_hurried = [] { return false; };
    // Where the pages of a large batch may be copied. none: they are not copied.
    std::optional<os::Path> copies_in{};
    // How many bytes of a large batch's pages are sent so far; 0 at the end of each job.
    std::function<void(Bytes)> on_streamed = [](Bytes) {};
    // Tests inject faults between the encoder and the check of its output.
    SnapshotFile::StartEncoder start_encoder = ltx::Encoder::start;
    Compaction::Limits levels{};
  };
  Uploader(Dependencies deps, const os::Clock& clock, const Log& log);

  // Does a job. The job's snapshot is returned as soon as it is needed no longer, possibly long
  // before this function returns. It is still held afterwards only if compact() needs it.
  UploadDone run(UploadJob& job);
  // Call it after each job, after its answer was sent: it stores the compacted files that are due.
  // No restore needs them, so a failure is only logged, and a stop ends it.
  void compact(UploadJob job);

  // Checks whether the replica is still the right one. look_soon() requests an earlier check.
  const ReplicaReport& replica() const { return watch_.report(); }
  MonoTime look_due() const { return deps_.store ? watch_.due() : MonoTime::max(); }
  void look_if_due(MonoTime now);
  void look_soon(LookAt what) { watch_.look_soon(what, clock_.mono()); }
  // True once for each check or job that found a replica with fewer uploads than were stored in it.
  // Everything must then be compared.
  bool take_moved() { return std::exchange(moved_, false); }
  // Checks at once, if the replica was reached before.
  void look_now(LookAt what) { ignore(require_replica(what), "the report has it"); }
  bool holds_directory() { return deps_.store && watch_.holds_directory(*deps_.store); }
  void on_snapshot_asked() { watch_.on_snapshot_asked(clock_.mono()); }
  // The last check of the replica, for the final verdict. The error says why the newest stored
  // state could not be restored. Connects to the store if it was not reached before.
  Result<void> verify();

  const SavedState& state() const { return stored_.get(); }
  storage::ObjectStore* store() { return deps_.store.get(); }  // null: not reached yet
  // When to call save_if_due(). max: there is nothing to save.
  MonoTime save_due() const { return stored_.save_due(); }
  void save_if_due(MonoTime now) { stored_.save_if_due(now); }
  // At the end of an orderly stop: `clean` if everything was stored.
  Result<void> save(bool clean) { return stored_.save(clean); }

 private:
  // Who needs the job's snapshot after its changes are stored.
  enum class Then { Done, StoreSnapshot };
  // Where the pages of an upload are read while it is sent.
  enum class From { Memory, Copy, Snapshot };
  void check_invariants() const;
  void forget_changed(const UploadJob& job);
  UploadDone perform(const job::Changes& changes, UploadJob& job);
  UploadDone perform(const job::Compare& compare, UploadJob& job);
  UploadDone perform(const job::Snapshot& snapshot, UploadJob& job);
  From choose_source(const UploadJob& job, Bytes size, Then then) const;
  bool is_compaction_due(const UploadJob& job, Txid txid) const;
  std::optional<UploadDone> refuse(UploadJob& job);
  Result<void> copy_pages(const UploadJob& job);
  UploadDone upload(UploadJob& job, Then then);
  UploadDone compare(const UploadJob& job);
  Compactor::Source source_of(const UploadJob& job);
  UploadDone connect(UploadJob& job);
  Result<void> reach_store();
  // Nothing is stored in a replica that is not the right one, or that ends before the stored TXID.
  Result<void> require_replica(LookAt what);
  Result<void> put(const ltx::Header& header, const storage::Body& body, const Encoded& encoded,
                   storage::Repeat repeat);
  Result<void> settle_existing(const std::string& key, const Encoded& encoded);
  UploadDone give_back(UploadJob& job, const Error& error);

  Dependencies deps_;
  const os::Clock& clock_;
  const Log& log_;
  SnapshotFile encoder_;
  Compactor compactor_;
  StoredState stored_;
  ReplicaWatch watch_;
  bool needs_all_ = false;        // the replica has lost uploads, and nothing was compared since
  bool moved_ = false;            // the sums have another TXID than at the last comparison
  bool has_stored_ = false;       // a run that stores nothing need not know the levels
  PageSet adopted_;               // of a slot of an earlier start: to be stored again
  std::optional<PageCopy> copy_;  // of a large batch that is being stored or was recalled
  Comparison comparison_;
  bool was_recalled_ = false;  // at least once: a large batch is then copied first
};

}  // namespace walwrap::replication
