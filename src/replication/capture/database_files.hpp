// Which files are at a database's path, and whether they are the attached ones. Decides what to do
// about a difference; the capture loop does it.
//
// The three files of a database are identified by device and inode. They are checked again at each
// look at the WAL, before a checkpoint and before a verdict. So no result depends on an event that
// may not come.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "walwrap/os/file_locks.hpp"
#include "walwrap/os/file_stamp.hpp"

namespace walwrap::replication {

struct DatabaseFiles {
  std::optional<os::FileStamp> database;  // none: missing or unknown
  bool may_be_there = false;              // unknown, for example without rights
  std::optional<os::FileStamp> wal;
  std::optional<os::FileStamp> index;  // the -shm

  // Blocks for three calls of stat. A symbolic link is not followed: the path was resolved before,
  // and SQLite has the -wal beside the link's target.
  static DatabaseFiles at(const os::Path& database);
  // For SQLite an empty file is a database that was never written.
  bool has_database() const { return database && database->size > 0; }
  bool is_told() const { return !may_be_there; }
};

enum class Difference {
  None,
  DatabaseGone,      // nothing at the path, or an empty file
  DatabaseReplaced,  // another file at the path
  DatabaseHidden,    // unknown what is at the path
  WalGone,
  WalReplaced,
  IndexGone,
  IndexReplaced,
};
// By identity alone: the content is not compared. Returns the worst difference.
Difference find_difference(const DatabaseFiles& attached, const DatabaseFiles& at_path);
// For a watchdog: the files at the path are the attached ones, in their known state.
bool is_as_attached(const DatabaseFiles& attached, const DatabaseFiles& at_path);
std::string_view describe(Difference difference);

// Whether a process other than `self` has the database open, from the locks on its -shm: each
// connection that has read or written holds a lock until it is closed. NotKnown: the list lacks
// even this process's locks, so the kernel does not show them here.
enum class OtherUsers { None, Some, NotKnown };
OtherUsers find_other_users(const std::vector<os::FileLock>& locks, const os::FileId& index,
                            os::Pid self);

enum class Reaction {
  GoOn,
  KeepReading,         // the app still writes to the deleted file, which is open here as well
  CheckpointReattach,  // no process has the deleted file open any more: its commits go into the
                       // database
  Reattach,            // the attached file is not the database any more: leave it unchanged
};
// `is_finishing`: the app and all processes that it started have ended.
Reaction react_to(Difference difference, OtherUsers others, bool is_finishing);

}  // namespace walwrap::replication
