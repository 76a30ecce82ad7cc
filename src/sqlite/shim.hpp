// A VFS shim over "unix" that lets our own connections pass the checkpoint lock we hold.
//
// The replicator holds WAL_CKPT_LOCK exclusively for as long as it is attached, so that nobody
// else can checkpoint. Our own checkpoint and WAL recovery ask for that lock too; the shim treats
// it as already held process-wide, so there is no moment in which it is free. Ranges count:
// recovery locks the checkpoint and the recover byte in one call, of which the first is stripped
// and the rest passed on. Used by our connections only, registered under its own name.
//
// It also keeps our connections from the write lock. A read that meets a half-published wal-index
// header asks for that lock, to recover; beside a writer at full speed the header is only being
// published, and an app without a busy timeout would get SQLITE_BUSY from our read.
#pragma once

#include <sqlite3.h>

#include <atomic>

namespace walwrap::sqlite {

// Registers the shim (once per process) and returns its name for Connection::Options::vfs.
const char* register_shim();

// From now on `file` takes the checkpoint lock as its own whenever `held` is true. `file` is a
// main database file opened through the shim; `held` must outlive it.
void share_checkpoint_lock(sqlite3_file* file, const std::atomic<bool>& held);

// Whether `file`'s connection may take the write lock. Refused: what would need it, a recovery for
// one, fails with SQLITE_BUSY_RECOVERY at once.
enum class WriteLock { Allowed, Refused };
void set_write_lock(sqlite3_file* file, WriteLock which);

// From now on `file` takes the write lock as its own whenever `held` is true: for a checkpoint that
// has to be sure that nobody writes, on behalf of another connection of ours that holds the lock.
void share_write_lock(sqlite3_file* file, const std::atomic<bool>& held);

// The read lock (0 to 4) that `file`'s connection holds in its read transaction; -1: none.
int held_read_lock(sqlite3_file* file);

// unix's own xShmLock, for the holder of the checkpoint lock for all.
int lock_without_shim(sqlite3_file* file, int slot, int flags);

}  // namespace walwrap::sqlite
