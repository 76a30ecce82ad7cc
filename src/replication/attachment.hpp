// What is open of one database file while it is replicated: the lock, the WAL that is read, the
// read snapshot for uploads. Owned by the capture thread.
//
// SQLite keeps one set of locks and one WAL index per file and process, so nothing of an attachment
// may outlive it: the next one would share its index, whatever lies at the path by then. So an
// attachment ends only when its snapshot is here, and its members are destroyed in one order: the
// snapshot's connection, the WAL, the owner of the lock (Law 1).
//
//   state      snapshot  left by
//   Ready      here      make_job() -> Lent; abandon(), then it is destroyed
//   Lent       away      give_back() -> Ready; abandon() -> Abandoned
//   Abandoned  away      give_back(), then it is destroyed
//
// It knows which files it has open, and what the database file looked like after the last
// checkpoint. As long as the checkpoint lock is ours nobody else writes to that file through SQLite
// in WAL mode, so any other change was made by something that the WAL does not know.
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
  // `stored`: how far into this WAL everything is stored already, from the saved state. `note`:
  // keeps what the file looks like for the next start. Busy: the files at the path changed while
  // they were opened.
  static Result<std::unique_ptr<Attachment>> open(std::unique_ptr<sqlite::CheckpointOwner> owner,
                                                  std::optional<wal::Position> stored,
                                                  FileNote note);

  sqlite::CheckpointOwner& owner() { return *owner_; }
  const sqlite::CheckpointOwner& owner() const { return *owner_; }
  Capture& capture() { return *capture_; }
  const Capture& capture() const { return *capture_; }

  // Another database is at the path, or replication stops: the files stay as they are, and reads of
  // a snapshot that is lent fail.
  void abandon();
  bool is_abandoned() const { return is_abandoned_; }
  void check_invariants() const;

  // As they were after the last checkpoint.
  const DatabaseFiles& files() const { return files_; }
  Difference difference(const DatabaseFiles& at_path) const {
    return find_difference(files_, at_path);
  }

  // Who may write to the database file: we alone, or the app's own checkpoints as well.
  enum class Checkpoints { Ours, Lent };
  // False: the database file was written by something that is not a checkpoint. `database` is its
  // stamp now. Where the app may checkpoint, only a change of the file's format shows it.
  bool is_content_known(const os::FileStamp& database, Checkpoints who);
  // After checkpoints of ours, successful or not: what the file looks like from now on. False: it
  // is not what a checkpoint leaves.
  bool note_checkpoint();

  // The -wal at the path is long enough for every frame that is not in the database file yet.
  bool has_whole_wal(const sqlite::IndexView& index) const;

  // Captures what is committed by now; false: there is nothing new. Busy: not now.
  Result<bool> drain();
  // The WAL as it is in the end, drained once more.
  struct WalSight {
    // The index publishes nothing that was not read, and no commit is missing.
    bool is_read = false;
    bool has_news = true;    // of what was read: it waits to be stored, or to be compared
    bool is_beyond = false;  // the -wal at the path holds a commit beyond `stored`
  };
  WalSight inspect_wal(const std::optional<wal::Position>& stored);

  // As CheckpointOwner::settle.
  enum class Settle { WhileUnused, Anyway };
  Result<bool> settle(Settle when, const sqlite::CheckpointOwner::CaptureFn& capture);

  // Other processes that have these files open.
  OtherUsers find_others() const;
  // Another database is at the path, and the commits of the old one in the WAL must not lie over
  // it. Without us they would have been in the old file by then, because the last to close it would
  // have brought them there. InUse: a process has them open, and nothing can be done.
  enum class Stale { None, Dropped, InUse };
  Stale drop_stale_wal(const DatabaseFiles& at_path);

  // Of positions: another file at this path has another id, and so has this one in another run.
  RandomId file_in(RandomId run) const;
  // What is wrong with the content, by SQLite's integrity_check; "": nothing. Cancelled: asked to
  // stop.
  Result<std::string> find_damage(std::function<bool()> cancelled) const;

  // For the next start: notes what the file looks like, if it is known to hold what is stored. That
  // is so after a start that the WAL proved, and once all of it was compared and stored. `stored`:
  // the newest TXID.
  void note(bool is_all_stored, Txid stored);
  // During a stop: what waits to be stored comes first, and a large snapshot would not be ready.
  bool can_mend(const ReplicaReport& replica, std::uint32_t stored_pages) const;

  struct JobRequest {
    JobKind kind{};
    bool all_pages = false;  // else those that wait
    std::uint32_t stored_pages = 0;
  };
  // Lends the snapshot, begun now; it comes home by `home`. nullopt: there is nothing to store.
  // Busy: not at this moment. On both, and on an error, the snapshot is still here.
  Result<std::optional<UploadJob>> make_job(const JobRequest& request, SnapshotLease::Home home);

  // What came of a job of this attachment: its pages that are not stored wait again.
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
  bool is_compared_ = false;  // what is attached is known to hold what is stored
  DatabaseFiles files_;
  sqlite::CheckpointOwner::FileHeader header_{};  // of the file, after the last checkpoint
  // Destroyed in reverse: the snapshot's connection before its owner (Law 1).
  std::unique_ptr<sqlite::CheckpointOwner> owner_;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<sqlite::Snapshot> snapshot_;
};

// As Attachment::find_damage, of a database that is not captured yet.
Result<std::string> find_damage_in(const sqlite::CheckpointOwner& owner,
                                   std::function<bool()> cancelled);

// As CheckpointOwner::attach, but NotFound means that there is no database. SQLite says the same
// of one that it cannot open, for want of descriptors for example: that is Unavailable here.
Result<std::unique_ptr<sqlite::CheckpointOwner>> attach_existing(
    const os::Path& database, const os::Clock& clock,
    sqlite::CheckpointOwner::Others others = sqlite::CheckpointOwner::Others::None);

}  // namespace walwrap::replication
