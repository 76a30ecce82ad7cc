// The only checkpointer: holds a database's checkpoint lock while it is attached.
//
// While it exists, no other process can copy frames out of the WAL, so the WAL cannot restart
// before walwrap has read it. The holder of the lock must also do the work of the others:
// checkpoints (Law 10) and WAL recovery. Owned by the capture thread; may be moved to it.
// Everything goes through SQLite's own file objects, never through a path (Law 1).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/sqlite/connection.hpp"
#include "walwrap/wal/index.hpp"

namespace walwrap::sqlite {

struct IndexView {
  wal::IndexHeader header;
  wal::CheckpointInfo checkpoint;
  std::uint32_t not_backfilled() const {
    return header.max_frame - std::min(header.max_frame, checkpoint.backfilled);
  }
};

struct BlockingPatience {
  std::chrono::milliseconds for_gap{30};     // between two writers
  std::chrono::milliseconds for_readers{1};  // about to end, while writers are blocked
};

class CheckpointOwner {
 public:
  // App: an app may use the database now, so no lock that it can meet is held for longer than
  // microseconds. None: no app is running, and unfinished transactions are rolled back.
  enum class Others { None, App };
  // Changes a database in rollback journal mode to WAL mode, now or not at all. While an app runs,
  // the caller chooses the moment (journal_mode.hpp). Errors: NotFound (no file or an empty one:
  // ask again when it exists), Busy (a process holds a lock), Unsupported (its WAL index is not
  // shared: exclusive locking mode), Corrupt, Denied, Unavailable.
  static Result<std::unique_ptr<CheckpointOwner>> attach(const os::Path& database,
                                                         const os::Clock& clock,
                                                         Others others = Others::None);
  ~CheckpointOwner();
  CheckpointOwner(const CheckpointOwner&) = delete;
  CheckpointOwner& operator=(const CheckpointOwner&) = delete;

  PageSize page_size() const { return page_size_; }
  const os::Path& database() const { return database_; }
  const os::Clock& clock() const { return clock_; }

  // nullopt: the two copies still differed after a few reads. A writer is publishing now, or it
  // died while it did: then call recover().
  std::optional<IndexView> read_index() const;
  // Reads once through a walwrap connection, which recovers the WAL index if no process is writing.
  // Busy: the header changes, so a writer is active and there is nothing to recover.
  Result<void> recover();
  // The first bytes of the database file itself, whatever the WAL has. Unavailable: truncated.
  using FileHeader = std::array<std::byte, 100>;
  Result<FileHeader> read_file_header() const;
  // From now on reads of snapshots fail: the file is not the database any more. Any thread.
  void abandon() { abandoned_.store(true, std::memory_order_release); }
  const std::atomic<bool>& abandoned() const { return abandoned_; }
  // Another file is at the path now, or no file.
  bool has_moved() const;

  // Adds every commit to the page set, up to the newest frame. Called when the checkpoint rule
  // requires it.
  using CaptureFn = std::function<Result<void>()>;

  // One passive checkpoint by the rule: read transaction, capture, PASSIVE checkpoint, end. Frames
  // that readers still need stay, without an error.
  Result<void> pass(const CaptureFn& capture);

  struct BlockingOutcome {
    bool held = false;                 // false: the write lock could not be taken
    std::chrono::nanoseconds took{0};  // how long writers had to wait
  };
  // Checkpoints until the rest is small, then once more with the write lock held, so that nothing
  // is left and the next writer restarts the WAL (Law 9). If a process reads an older state, the
  // WAL could not restart, so the writers are released without that last checkpoint.
  Result<BlockingOutcome> checkpoint_blocking(const CaptureFn& capture,
                                              BlockingPatience patience = {});

  // Lending (lending.hpp). Without the lock, walwrap neither reads nor checkpoints.
  bool holds_lock() const { return lock_held_.load(std::memory_order_acquire); }
  void release_lock();
  // False: a process is making a checkpoint.
  Result<bool> take_lock_back();
  // The restart guard: a shared lock on a read mark without a frame. It limits no checkpoint, but
  // while it is held no process can restart the WAL. False: no mark is free.
  Result<bool> take_restart_guard();
  void release_restart_guard();  // if it is held
  // The copy guard: a shared lock on the read mark of the database file. While it is held, no
  // checkpoint can copy frames out of the WAL. False: a checkpoint is running.
  Result<bool> take_copy_guard();
  void release_copy_guard();  // if it is held
  // Another process holds the write lock now. SQLite's own descriptor of the -shm is asked, which
  // changes nothing (Law 1). Also false if this cannot be found out.
  bool is_written() const;

  // For a database that no process has open: moves everything into the database file, truncates the
  // WAL, and clears the size in the WAL index. Then the database is one file, as after SQLite's own
  // last close, and another file may replace it. Writers are blocked for the last step only.
  // `is_unused` is called just before it, because the copying takes time. False: a process reads or
  // writes. Nothing is lost; try again.
  Result<bool> settle(
      const CaptureFn& capture, const std::function<bool()>& is_unused = [] { return true; });
  // The same without a checkpoint: the WAL belongs to a file that is not the database any more.
  // Only while no other process has it open.
  Result<bool> discard_wal();
  // After the last writer has ended: moves everything into the database file and truncates the WAL.
  // False: a process still reads or writes. Does not capture: the caller captures before and checks
  // afterwards.
  Result<bool> truncate();
  // When this object is destroyed, SQLite removes the empty -wal and -shm, as when an app closes.
  void remove_wal_on_close();

  // Another connection for a Snapshot, which shares the checkpoint lock.
  Result<Connection> open_sibling() const;

 private:
  CheckpointOwner(os::Path database, const os::Clock& clock)
      : database_(std::move(database)), clock_(clock) {}
  Result<void> open_lock_holder();
  Result<void> take_lock();
  Result<Connection> open_connection() const;
  bool is_header_abandoned() const;
  Result<bool> wait_for_older_readers(std::chrono::milliseconds patience);
  Result<bool> has_older_reader();
  Result<bool> cut_wal();
  Result<bool> has_reader();
  void forget_size();

  os::Path database_;
  const os::Clock& clock_;
  PageSize page_size_;
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> write_lock_held_{false};  // for the checkpointer alone
  std::atomic<bool> lock_held_{false};        // read by the shim for each walwrap connection
  volatile std::byte* index_ = nullptr;
  std::optional<int> index_descriptor_;  // of SQLite, open while holder_ is
  std::optional<int> guard_;             // its read mark
  bool has_copy_guard_ = false;
  // Destroyed in reverse: the holder of the lock last.
  std::optional<Connection> holder_;
  std::optional<Connection> checkpointer_;
  std::optional<Connection> reader_;
};

}  // namespace walwrap::sqlite
