// What is open of one database file while it is replicated: the checkpoint lock, the WAL, and the
// read snapshot for uploads. Owned by the capture thread.
//
// SQLite keeps one set of locks and one WAL index per file and process. So no part of an attachment
// may outlive it: the next attachment would share its index, even for another file at the path.
// Therefore an attachment ends only when its snapshot is back, and its members are destroyed in one
// order: the snapshot's connection, the WAL, the owner of the lock (Law 1).
//
//   state      snapshot  left by
//   Ready      here      make_job() -> Lent; abandon(), then it is destroyed
//   Lent       away      give_back() -> Ready; abandon() -> Abandoned
//   Abandoned  away      give_back(), then it is destroyed
//
// The attachment knows which files it has open, and the state of the database file after the last
// checkpoint. While walwrap holds the checkpoint lock, no other process writes to that file through
// SQLite in WAL mode. So any other change bypassed the WAL.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/capture/capture.hpp"
#include "walwrap/replication/capture/database_files.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/replica/file_note.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/snapshot.hpp"

namespace walwrap::replication {

class Attachment {
 public:
  // `stored`: the position in this WAL up to which everything is stored, from the saved state.
  // `note`: keeps the file's stamp for the next start. Busy: the files at the path changed while
  // they were opened.
  static Result<std::unique_ptr<Attachment>> open(std::unique_ptr<sqlite::CheckpointOwner> owner,
                                                  std::optional<wal::Position> stored,
                                                  FileNote note);

  sqlite::CheckpointOwner& owner() { return *owner_; }
  const sqlite::CheckpointOwner& owner() const { return *owner_; }
  Capture& capture() { return *capture_; }
  const Capture& capture() const { return *capture_; }

  // Another database is at the path, or replication stops. The files stay as they are, and reads of
  // a lent snapshot fail.
  void abandon();
  bool is_abandoned() const { return is_abandoned_; }
  void check_invariants() const;

  // As they were after the last checkpoint.
  const DatabaseFiles& files() const { return files_; }
  Difference difference(const DatabaseFiles& at_path) const {
    return find_difference(files_, at_path);
  }

  // Which processes may write to the database file: walwrap alone, or also checkpoints of the app.
  enum class Checkpoints { Ours, Lent };
  // False: something other than a checkpoint wrote to the database file. `database` is its stamp
  // now. While the app may checkpoint, only a change of the file's format shows such a write. A
  // file that cannot be read now is no proof of a foreign write; until it can be read, the WAL does
  // not count as read.
  bool is_content_known(const os::FileStamp& database, Checkpoints who);
  // Call it after walwrap's checkpoints, successful or not: it records the file's new state, or is
  // made up for by the next is_content_known(). False: a checkpoint does not leave the file like
  // this.
  bool note_checkpoint();

  // The -wal at the path is long enough for every frame that is not in the database file yet.
  bool has_whole_wal(const sqlite::IndexView& index) const;

  // Captures every commit so far. False: there is nothing new. Busy: not now.
  Result<bool> drain();
  // The state of the WAL at the end, after another drain().
  struct WalSight {
    // The index lists no unread frame, and no commit is missing.
    bool is_read = false;
    bool has_news = true;    // of what was read: it waits to be stored or compared
    bool is_beyond = false;  // the -wal at the path holds a commit beyond `stored`
  };
  WalSight inspect_wal(const std::optional<wal::Position>& stored);

  // As CheckpointOwner::settle.
  enum class Settle { WhileUnused, Anyway };
  Result<bool> settle(Settle when, const sqlite::CheckpointOwner::CaptureFn& capture);

  // Other processes that have these files open.
  OtherUsers other_users() const;
  // Another database is at the path, and the old one's commits in the WAL must not be applied to
  // it. Without walwrap the last connection to close would have checkpointed them into the old
  // file. InUse: a process has the files open, and nothing can be done.
  enum class Stale { None, Dropped, InUse };
  Stale drop_stale_wal(const DatabaseFiles& at_path);

  // For positions: another file at this path has another id, and so has this file in another run.
  RandomId file_in(RandomId run) const;
  // An error in the content, from SQLite's integrity check. "": none. Cancelled: stopped.
  Result<std::string> find_damage(std::function<bool()> cancelled) const;

  // For the next start: keeps the file's stamp if the file is known to hold what is stored. That is
  // the case after a start that the WAL proved, and after everything was compared and stored.
  // `stored`: the newest TXID.
  void note(bool is_all_stored, Txid stored);
  // During a stop, pending pages are stored first, and a large snapshot would not be ready in time.
  bool can_mend(const ReplicaReport& replica, std::uint32_t stored_pages) const;

  struct JobRequest {
    JobKind kind{};
    bool all_pages = false;  // else the pending ones
    std::uint32_t stored_pages = 0;
  };
  // Begins the snapshot and lends it. It comes back through `home`. nullopt: there is nothing to
  // store. Busy: not at this moment. In both cases, and on an error, the snapshot is not lent.
  Result<std::optional<UploadJob>> make_job(const JobRequest& request, SnapshotLease::Home home);

  // The result of a job of this attachment. Pages that were not stored are pending again.
  void on_answer(const UploadDone& done);
  bool has_snapshot() const { return snapshot_ != nullptr; }
  void give_back(std::unique_ptr<sqlite::Snapshot> snapshot);

 private:
  explicit Attachment(FileNote note) : note_(std::move(note)) {}
  void know(const os::FileStamp& database, const sqlite::CheckpointOwner::FileHeader& header);
  Result<void> identify(const DatabaseFiles& before);
  bool has_same_format(const sqlite::CheckpointOwner::FileHeader& header) const;

  FileNote note_;
  bool is_abandoned_ = false;
  bool is_compared_ = false;         // the database is known to hold what is stored
  bool is_checkpoint_noted_ = true;  // false: the file could not be read after the last one
  bool is_file_read_ = true;         // by the last look at its content
  DatabaseFiles files_;
  sqlite::CheckpointOwner::FileHeader header_{};  // of the file, after the last checkpoint
  // Destroyed in reverse: the snapshot's connection before its owner (Law 1).
  std::unique_ptr<sqlite::CheckpointOwner> owner_;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<sqlite::Snapshot> snapshot_;
};

// Like Attachment::find_damage, for a database that is not captured yet.
Result<std::string> find_damage_in(const sqlite::CheckpointOwner& owner,
                                   std::function<bool()> cancelled);

// Like CheckpointOwner::attach, but NotFound always means that there is no database. SQLite reports
// the same for a database that it cannot open, for example without descriptors. That is Unavailable
// here.
Result<std::unique_ptr<sqlite::CheckpointOwner>> attach_existing(
    const os::Path& database, const os::Clock& clock,
    sqlite::CheckpointOwner::Others others = sqlite::CheckpointOwner::Others::None);

}  // namespace walwrap::replication
