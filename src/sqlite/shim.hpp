// A VFS shim over "unix" that lets walwrap's connections pass the checkpoint lock that walwrap
// holds.
//
// The replicator holds WAL_CKPT_LOCK exclusively while it is attached, so that no other process can
// checkpoint. Its own checkpoint and WAL recovery request that lock too. The shim treats it as held
// by the whole process, so the lock is never free. Ranges matter: recovery locks the checkpoint
// byte and the recover byte in one call. The shim removes the first and passes the rest on. Used by
// walwrap's connections only, under its own name.
//
// It also keeps walwrap's connections from the write lock. A read that meets a half-published
// wal-index header requests that lock in order to recover. Beside a writer at full speed the header
// is only being published, and the app without a busy timeout would get SQLITE_BUSY because of
// walwrap's read.
#pragma once

#include <sqlite3.h>

#include <atomic>

namespace walwrap::sqlite {

// Registers the shim (once per process) and returns its name for Connection::Options::vfs.
const char* register_shim();

// From now on `file` takes the checkpoint lock as its own whenever `held` is true. `file` is a
// main database file opened through the shim; `held` must outlive it.
void share_checkpoint_lock(sqlite3_file* file, const std::atomic<bool>& held);

// Whether `file`'s connection may take the write lock. Refused: an operation that needs it, for
// example recovery, fails with SQLITE_BUSY_RECOVERY at once.
enum class WriteLock { Allowed, Refused };
void set_write_lock(sqlite3_file* file, WriteLock which);

// From now on `file` takes the write lock as its own whenever `held` is true: for a checkpoint
// without any writers, while another walwrap connection holds the lock.
void share_write_lock(sqlite3_file* file, const std::atomic<bool>& held);

// The read lock (0 to 4) that `file`'s connection holds in its read transaction; -1: none.
int held_read_lock(sqlite3_file* file);

// unix's own xShmLock, for the connection that holds the checkpoint lock.
int lock_without_shim(sqlite3_file* file, int slot, int flags);

}  // namespace walwrap::sqlite
