// Page set -> store: reads the pages at a snapshot, encodes one LTX file, puts it create-only under
// the next TXID, and only then counts it as stored.
//
// Owns the store, the saved state and the page sums; lives on the upload thread. Blocks in the
// store, which repeats what has no answer, and never touches SQLite but through the Snapshot it is
// given. A batch of ordinary size is encoded into memory, its snapshot ends at once, and the same
// bytes are repeated until the store has answered for them. A large one streams from its snapshot,
// once, and on failure goes back to the capture, for a snapshot must not pin the log through an
// outage. Where there is room its pages are copied first (page_copy.hpp), for it must not pin the
// log for as long as a store takes, either. A snapshot that is recalled is given up at once. Now
// and then what several uploads have changed is stored once more as one file, from the snapshot of
// the last of them: merge(), levels.hpp.
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
#include "walwrap/replication/upload/page_copy.hpp"
#include "walwrap/replication/upload/replica_watch.hpp"
#include "walwrap/replication/upload/snapshot_file.hpp"
#include "walwrap/sqlite/snapshot.hpp"
#include "walwrap/storage/object_store.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

struct UploadJob {
  enum class Kind {
    Changes,  // upload `pages`
    Compare,  // find which of `pages` differ from the sums; upload nothing
    // `pages` is all of them: upload those that differ, then all as one file that leads from
    // nothing to here
    Snapshot,
  };
  Kind kind = Kind::Changes;
  std::unique_ptr<sqlite::Snapshot> snapshot;  // begun, with its frames
  PageSize page_size;
  PageSet pages;
  std::uint32_t commit = 0;
  wal::Position covers;
  bool every_frame = false;  // the snapshot knows those of pages that are not in `pages`, too
  PageSet changed{};         // since the job before
  bool continues = false;    // that one was of the same attachment, and `changed` is all of it
};

// A file of the whole database beside those that lead to it.
struct SnapshotMade {
  Bytes bytes = 0;
  std::string error{};  // "": it is stored
};

struct UploadDone {
  UploadJob::Kind kind = UploadJob::Kind::Changes;
  bool stored = false;      // Snapshot: what differed is, or nothing did
  PageSet to_store{};       // Compare: what differs; else: what was not stored after all
  Txid txid{};              // stored by now
  std::uint32_t pages = 0;  // database size as of it
  Bytes bytes = 0;          // of the file that was stored
  Bytes merged = 0;         // of compacted files that were stored before this job
  MonoTime started{};
  std::chrono::nanoseconds took{0};
  std::string error{};         // "": none
  bool stop = false;           // never offer a job again: another writer is here
  bool compare_again = false;  // the sums have moved on: what was found equal may not be
  bool wants_frames = false;   // the next job is to come with every frame
  bool recalled = false;       // given up for the log's sake; what was done by then is kept
  SnapshotMade snapshot{};     // Snapshot
};

class Uploader {
 public:
  struct Dependencies {
    // Repeats what has no answer. Null: not reached yet, `connect` makes it.
    std::unique_ptr<storage::ObjectStore> store;
    // Opens the store and settles that it still holds what our state says; may change the state.
    std::function<Result<std::unique_ptr<storage::ObjectStore>>(SavedState&, PageSums&)> connect;
    KeyStyle style = KeyStyle::Directory;
    StateDir directory;
    PageSums sums;
    SavedState state;
    // Asked while a snapshot is on its way: a stop has begun, and it is not to keep the last flush
    // waiting.
    std::function<bool()> is_hurried = [] { return false; };
    // Asked while a snapshot is read: it is to be given up, for the log has become too long.
    std::function<bool()> is_recalled = [] { return false; };
    // Where the pages of a large batch may be copied to; none: nowhere.
    std::optional<os::Path> copies_in{};
    // How many bytes of pages of a large batch are on their way by now; 0 at the end of each job.
    std::function<void(Bytes)> on_streamed = [](Bytes) {};
    // A test puts its faults between the encoder and what checks it.
    SnapshotFile::StartEncoder start_encoder = ltx::Encoder::start;
    Compaction::Limits levels{};
  };
  Uploader(Dependencies deps, const os::Clock& clock, const Log& log);

  // Does a job; gives its snapshot back, ended, through `release` as soon as it is no longer
  // needed, which may be long before this returns, or only when merge() has.
  using Release = std::function<void(std::unique_ptr<sqlite::Snapshot>)>;
  UploadDone run(UploadJob job, const Release& release);
  // After each job, and after its result is known to its clients: stores the files of
  // higher levels that are due. None of them is needed for a restore, so a failure is only logged,
  // and a stop ends it.
  void merge(const Release& release);

  // Whether the replica is still ours. A caller that needs it sooner says so with look_soon().
  const ReplicaReport& replica() const { return watch_.report(); }
  MonoTime look_due() const { return deps_.store ? watch_.due() : MonoTime::max(); }
  void look_if_due(MonoTime now);
  void look_soon(LookAt what) { watch_.look_soon(what, clock_.mono()); }
  // Once for each look, or job, that has found a replica which holds less than was stored in it:
  // everything has to be compared.
  bool take_moved() { return std::exchange(moved_, false); }
  // At once, in a replica that has been reached.
  void look_now(LookAt what) { ignore(require_replica(what), "the report has it"); }
  bool holds_directory() { return deps_.store && watch_.holds_directory(*deps_.store); }
  void on_snapshot_asked() { watch_.on_snapshot_asked(clock_.mono()); }
  // The last look at the replica, which a final verdict rests on: an error says why the newest
  // state that was stored could not be restored from there. Reaches a store that was not reached.
  Result<void> verify();

  const SavedState& state() const { return state_; }
  storage::ObjectStore* store() { return deps_.store.get(); }  // null: not reached yet
  // When save_if_due() wants to be called; max: nothing to save.
  MonoTime save_due() const;
  void save_if_due(MonoTime now);
  // The end of an orderly stop: `clean` if everything was stored.
  Result<void> save(bool clean);

 private:
  using LetGo = std::function<void()>;  // of the snapshot of the job
  void forget_changed(const UploadJob& job);
  ReadPage reads(const UploadJob& job) const;
  Result<void> copy_pages(const UploadJob& job);
  UploadDone compare(const UploadJob& job);
  UploadDone upload(UploadJob& job, const LetGo& let_go);
  UploadDone upload_snapshot(UploadJob& job, const LetGo& let_go);
  Result<Bytes> put_snapshot(const UploadJob& job);
  bool may_merge(const UploadJob& job, Txid txid) const;
  void learn_levels();
  void merge_levels(const UploadJob& job);
  bool put_if_worth(const UploadJob& job, Level level);
  // The bytes of the file.
  Result<Bytes> put_merged(const UploadJob& job, const PageSet& pages, Level level,
                           TxidRange txids);
  UploadDone connect(UploadJob& job);
  Result<void> reach_store();
  // Nothing is stored in a replica that is not ours, or does not reach up to our TXID.
  Result<void> require_replica(LookAt what);
  ltx::Header header_for(const UploadJob& job, TxidRange txids) const;
  Result<void> put(const ltx::Header& header, const storage::Body& body, const Encoded& encoded,
                   storage::Repeat repeat);
  Result<void> settle_existing(const std::string& key, const Encoded& encoded);
  Result<void> adopt_slot(RandomId node);
  Result<void> acknowledge(const UploadJob& job, const Encoded& encoded);
  UploadDone give_back(UploadJob& job, const Error& error);

  Dependencies deps_;
  const os::Clock& clock_;
  const Log& log_;
  SnapshotFile encoder_;
  SavedState state_;
  ReplicaWatch watch_;
  bool needs_all_ = false;            // the replica moved back, and nothing was compared since
  bool moved_ = false;                // the sums are of another TXID than the comparer knows
  bool has_stored_ = false;           // a start that writes nothing need not know the levels
  std::optional<Compaction> levels_;  // none: not asked for yet
  std::optional<UploadJob> held_;     // stored, its snapshot still begun: for merge()
  PageSet adopted_;  // of a slot that an earlier start had stored: to be stored again
  Bytes merged_ = 0;
  std::optional<PageCopy> copy_;  // of a large batch that is on its way, or was recalled
  PageSet equal_;                 // of a comparison that was recalled: these are as stored
  bool was_recalled_ = false;     // at least once: what is large is copied first
  MonoTime saved_at_{};
  Txid saved_txid_;
  bool unsaved_ = false;
};

}  // namespace walwrap::replication
