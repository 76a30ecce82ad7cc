// A path is not a file: which files lie at a database's path, and whether they are those that were
// attached to. What to do about it is decided here, and done by the capture loop.
//
// The three files of a database are held by device and inode. They are looked at again on every
// look at the WAL, before a checkpoint and before a verdict, so nothing depends on an event that
// may not come.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "walwrap/os/file_locks.hpp"
#include "walwrap/os/file_stamp.hpp"

namespace walwrap::replication {

struct DatabaseFiles {
  std::optional<os::FileStamp> database;  // none: not there, or it cannot be told
  bool may_be_there = false;              // it cannot be told, for want of rights for example
  std::optional<os::FileStamp> wal;
  std::optional<os::FileStamp> index;  // the -shm

  // Blocks for three calls of stat. A database that is a symbolic link is not followed: its path
  // was resolved, and SQLite has the -wal beside the link's target.
  static DatabaseFiles at(const os::Path& database);
  // SQLite takes an empty file for a database that nobody has written to yet.
  bool has_database() const { return database && database->size > 0; }
  bool is_told() const { return !may_be_there; }
};

enum class Difference {
  None,
  DatabaseGone,      // nothing at the path, or an empty file
  DatabaseReplaced,  // another file at the path
  DatabaseHidden,    // it cannot be told what is at the path
  WalGone,
  WalReplaced,
  IndexGone,
  IndexReplaced,
};
// By identity alone: what is in the files is not looked at. The worst difference.
Difference find_difference(const DatabaseFiles& attached, const DatabaseFiles& at_path);
// For a watchdog: what is at the path is what is attached, and as it is known there.
bool is_as_attached(const DatabaseFiles& attached, const DatabaseFiles& at_path);
std::string_view describe(Difference difference);

// Whether a process other than `self` has the database open, by the locks on its -shm: each
// connection that has read or written once holds one until it is closed. NotKnown: the list does
// not even have our own, so the kernel does not show them here.
enum class OtherUsers { None, Some, NotKnown };
OtherUsers find_other_users(const std::vector<os::FileLock>& locks, const os::FileId& index,
                            os::Pid self);

enum class Reaction {
  GoOn,
  KeepReading,         // the app still writes to the deleted file, and we have it open as well
  CheckpointReattach,  // no process has the deleted file open any more: its commits go into the
                       // database
  Reattach,            // what was attached is no longer the database: leave it as it is
};
// `is_finishing`: the app and all processes that it started have ended.
Reaction react_to(Difference difference, OtherUsers others, bool is_finishing);

}  // namespace walwrap::replication
