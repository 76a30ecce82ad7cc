// The only checkpointer: holds a database's checkpoint lock from attach to detach.
//
// While it lives nobody else can copy frames out of the WAL, so nobody can make the WAL restart
// before we have read it. It also does what the lock's holder owes everybody else: checkpoints
// (Law 10) and WAL recovery. Owned by the capture thread; may be moved to it whole. Everything goes
// through SQLite's own file objects, never by path (Law 1).
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

struct BrakePatience {
  std::chrono::milliseconds for_gap{30};     // between two writers
  std::chrono::milliseconds for_readers{1};  // that are about to end, while writers are held
};

class CheckpointOwner {
 public:
  // App: it may use the database right now, so nothing is done that it could meet for longer than
  // microseconds. None: no app is running, and what one has left unfinished is rolled back.
  enum class Others { None, App };
  // Changes a database in rollback journal mode to WAL mode, now or not at all; beside an app the
  // caller chooses the moment (journal_mode.hpp). Errors: NotFound (no file, or an empty one: ask
  // again when it has appeared), Busy (a process holds a lock for now), Unsupported (its WAL index
  // is not shared: exclusive locking mode), Corrupt, Denied, Unavailable.
  static Result<std::unique_ptr<CheckpointOwner>> attach(const os::Path& database,
                                                         const os::Clock& clock,
                                                         Others others = Others::None);
  ~CheckpointOwner();
  CheckpointOwner(const CheckpointOwner&) = delete;
  CheckpointOwner& operator=(const CheckpointOwner&) = delete;

  PageSize page_size() const { return page_size_; }
  const os::Path& database() const { return database_; }
  const os::Clock& clock() const { return clock_; }

  // nullopt: the two copies differ, and still did after a few looks. Either a writer is at it
  // right now, or it died there: then recover().
  std::optional<IndexView> read_index() const;
  // Reads once through a connection of ours, which recovers the WAL index if nobody is writing.
  // Busy: the header changes, so that a writer is at it and nothing is to be recovered.
  Result<void> recover();
  // The first bytes of the database file itself, whatever the WAL holds. Unavailable: cut off.
  using FileHeader = std::array<std::byte, 100>;
  Result<FileHeader> read_file_header() const;
  // Reads of snapshots fail from now on: the file is no longer the database. Any thread.
  void abandon() { abandoned_.store(true, std::memory_order_release); }
  const std::atomic<bool>& abandoned() const { return abandoned_; }
  // The file under our path is another one now, or none.
  bool has_moved() const;

  // Takes what is committed into the page set, up to the newest frame; called at the moment the
  // checkpoint rule asks for it.
  using CaptureFn = std::function<Result<void>()>;

  // One pass of the rule: read transaction, capture, PASSIVE checkpoint, end. Frames that readers
  // still need stay; no error.
  Result<void> pass(const CaptureFn& capture);

  struct BrakeOutcome {
    bool held = false;                 // false: no chance to get the write lock
    std::chrono::nanoseconds took{0};  // how long writers had to wait for us
  };
  // Passes until the rest is small, then one more with the write lock held, so that nothing is
  // left and the next writer restarts the WAL (Law 9). Not while a process reads an older state:
  // the WAL could not restart, so writers are let go without that pass.
  Result<BrakeOutcome> brake(const CaptureFn& capture, BrakePatience patience = {});

  // Lending (lending.hpp). Without the lock nothing of ours reads, and nothing makes a checkpoint.
  bool holds_lock() const { return lock_held_.load(std::memory_order_acquire); }
  void release_lock();
  // False: a process is at a checkpoint.
  Result<bool> take_lock_back();
  // The restart guard: a shared lock on a read slot that marks no frame. It pins nothing and limits
  // no checkpoint, but while it is held nobody can restart the WAL. False: none is free.
  Result<bool> take_restart_guard();
  void release_restart_guard();  // if it is ours
  // The copy guard: a shared lock on the read slot of the database file. While it is held
  // no checkpoint can copy frames out of the WAL. False: one does.
  Result<bool> take_copy_guard();
  void release_copy_guard();  // if it is ours
  // Another process holds the write lock right now. Asked by SQLite's own descriptor of the -shm,
  // which changes nothing (Law 1); false also where nobody can be asked.
  bool is_written() const;

  // While nobody has the database open: everything into the database, the WAL cut to nothing, and
  // the WAL index without a size, so that the database is one file as after SQLite's own last
  // close, and another file may take its place. Writers are held for the last step only, and
  // `is_unused` is asked just before it: the copying takes its time. False: a process reads or
  // writes; nothing is lost, try again.
  Result<bool> settle(
      const CaptureFn& capture, const std::function<bool()>& is_unused = [] { return true; });
  // The same without a checkpoint: what the WAL holds is of a file that is no longer the database.
  // Only while nobody else has it open.
  Result<bool> discard_wal();
  // With every writer gone: everything into the database and the WAL cut to nothing. False if
  // a process still reads or writes. Does not capture: the caller has, and checks afterwards.
  Result<bool> truncate();
  // On destruction, let SQLite remove the empty -wal and -shm as it does when an app closes.
  void remove_wal_on_close();

  // A further connection for a Snapshot, sharing the checkpoint lock.
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
  std::atomic<bool> lock_held_{false};        // read by the shim under every connection of ours
  volatile std::byte* index_ = nullptr;
  std::optional<int> index_descriptor_;  // SQLite's, open for as long as holder_ is
  std::optional<int> guard_;             // its slot
  bool has_copy_guard_ = false;
  // Destroyed in reverse: the holder of the lock last.
  std::optional<Connection> holder_;
  std::optional<Connection> checkpointer_;
  std::optional<Connection> reader_;
};

}  // namespace walwrap::sqlite
