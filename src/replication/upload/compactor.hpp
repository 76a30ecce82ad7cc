// Stores the files above the uploads: compacted files, when they are due, and snapshots.
//
// No restore needs these files. A restore can use the uploads alone, but it takes longer. So
// nothing waits for them, a failure is only logged, and a stop ends them. Compaction decides what
// is due, from what the store holds. The store is listed once, after the first upload that makes a
// file possible. All pages come from the read snapshot of the upload with which a file ends,
// because only that moment is known to be that TXID.
//
//   levels     after an upload                       left by
//   unknown    learn_levels(), if a file may be due  a listing -> known
//   known      compact(): first a snapshot, then     one that is too large, or fails
//              level 1, 2, ...                       -> postponed
//   postponed  nothing                               as many uploads as make a file -> known
//
// Owned by the uploader, on the upload thread. Blocks in the store.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "walwrap/base/log.hpp"
#include "walwrap/base/page_set.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replica/compaction.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/upload/job.hpp"
#include "walwrap/replication/upload/snapshot_file.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

class Compactor {
 public:
  struct Dependencies {
    KeyStyle style = KeyStyle::Directory;
    Compaction::Limits limits{};
    SnapshotFile encoder;
    std::function<bool()> is_hurried;  // a stop has begun
  };
  Compactor(Dependencies dependencies, const os::Clock& clock, const Log& log)
      : deps_(std::move(dependencies)), clock_(clock), log_(log) {}

  // The sources of a file. The job is stored: its snapshot is the database as of state.txid.
  struct Source {
    storage::ObjectStore& store;
    const UploadJob& job;
    const SavedState& state;
    const PageSums& sums;
    bool is_chain_broken = false;  // files are missing that a snapshot would replace
  };

  // A file is due with the upload `txid`. Also false while the levels are unknown.
  bool is_due(Txid txid) const { return levels_ && levels_->is_due(Level{1}, txid); }
  // Lists the levels in the store, if they are unknown and a file could be due by now.
  void learn_levels(storage::ObjectStore& store, Txid txid);
  // The store has lost files.
  void forget_levels() { levels_.reset(); }
  bool knows_levels() const { return levels_.has_value(); }
  // Stores the files that are due. Needs the frames of all pages.
  void compact(const Source& source);
  // Stores the whole database as one file. The job's pages must be all pages.
  Result<Bytes> put_snapshot(const Source& source);
  // Of the files that compact() stored since the last call.
  Bytes take_bytes() { return std::exchange(bytes_, 0); }

 private:
  bool put_if_worth(const Source& source, Level level);
  Result<Bytes> put(const Source& source, const PageSet& pages, Level level, TxidRange txids) const;

  Dependencies deps_;
  const os::Clock& clock_;
  const Log& log_;
  std::optional<Compaction> levels_;  // none: not known
  Bytes bytes_ = 0;
};

}  // namespace walwrap::replication
