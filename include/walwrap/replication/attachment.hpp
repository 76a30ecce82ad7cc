// What is open of one database file while it is replicated: the lock, the WAL that is read, the
// snapshot for uploads. Owned by the capture thread.
//
// SQLite keeps one set of locks and one WAL index per file and process, so nothing of an attachment
// may outlive it: the next one would share its index, whatever lies at the path by then. The
// snapshot is away while the upload thread reads it, and has to come back before the end.
#pragma once

#include <memory>
#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/replication/capture.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/snapshot.hpp"

namespace walwrap::replication {

class Attachment {
 public:
  // `stored`: how far into this WAL everything is stored already, from the saved state.
  static Result<std::unique_ptr<Attachment>> open(std::unique_ptr<sqlite::CheckpointOwner> owner,
                                                  std::optional<wal::Position> stored);

  sqlite::CheckpointOwner& owner() { return *owner_; }
  const sqlite::CheckpointOwner& owner() const { return *owner_; }
  Capture& capture() { return *capture_; }
  const Capture& capture() const { return *capture_; }

  bool has_snapshot() const { return snapshot_ != nullptr; }
  sqlite::Snapshot& snapshot() { return *snapshot_; }
  std::unique_ptr<sqlite::Snapshot> lend_snapshot() { return std::move(snapshot_); }
  void give_back(std::unique_ptr<sqlite::Snapshot> snapshot) { snapshot_ = std::move(snapshot); }

 private:
  Attachment() = default;
  // Destroyed in reverse: the snapshot's connection before its owner.
  std::unique_ptr<sqlite::CheckpointOwner> owner_;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<sqlite::Snapshot> snapshot_;
};

}  // namespace walwrap::replication
