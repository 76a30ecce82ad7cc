// Reads the journal mode of a database file, and changes rollback journal mode to WAL mode, both
// without a SQLite connection.
//
// SQLite's own `PRAGMA journal_mode=WAL` holds the PENDING lock while it waits for readers, and all
// locks while it writes a journal and syncs twice. During these milliseconds a statement of an app
// without a busy timeout fails. And any open connection, even if it only reads, makes a commit or a
// `PRAGMA journal_mode=WAL` of the app fail at once, whatever its timeout. So nothing here takes a
// lock that the app can meet, except change_to_wal: it takes all of them in one call or none, and
// holds them for some microseconds.
//
// Any thread. Law 1: only for a file that no connection of this process has open. Source of the
// offsets: sqlite.org/fileformat2.html, "The Database Header"; of the locks: SQLite's os.h.
#pragma once

#include <cstdint>
#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/process.hpp"

namespace walwrap::sqlite {

enum class JournalMode {
  None,  // the file is empty: its app may still choose
  Rollback,
  Wal,
};

struct ModeSight {
  JournalMode mode = JournalMode::None;
  os::FileId file;
  std::uint32_t changes = 0;  // the file change counter; in rollback mode each commit adds one
  Bytes size = 0;
  WallTime modified{};
  bool has_journal = false;       // of an unfinished transaction, whether its process lives or not
  bool keeps_journal = false;     // a finished one's: the app sets journal_mode TRUNCATE or PERSIST
  bool is_locked = false;         // by a reader or a writer
  std::optional<os::Pid> holder;  // of the lock, if the kernel lists it
  bool has_index = false;         // the -shm exists
};

// Errors: NotFound, Invalid (not a regular file), Busy (its first transaction is being written),
// Corrupt (not a database), Unsupported (a later format), and those of File::open.
Result<ModeSight> inspect_mode(const os::Path& database);

enum class ModeChange {
  Done,        // on disk, too
  NotNeeded,   // it is already in WAL mode, or empty
  Locked,      // by a reader or a writer
  HasJournal,  // a connection must roll back a transaction first
};
// Changes the mode now or not at all, without waiting. The caller chooses the moment.
Result<ModeChange> change_to_wal(const os::Path& database);

}  // namespace walwrap::sqlite
