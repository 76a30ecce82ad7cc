// A write lock on a range of bytes of a file, taken as SQLite takes its locks (POSIX, F_SETLK) and
// never waited for.
//
// Law 1: the lock belongs to the process, and it ends when the process closes any descriptor of the
// file. Use it only on a file that no SQLite connection of this process has open.
#pragma once

#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/process.hpp"

namespace walwrap::os {

struct ByteRange {
  Bytes first = 0;
  Bytes count = 0;
};

struct LockHolder {
  std::optional<Pid> pid;  // none: a process of another pid namespace, or a lock of an open file
};

// Another process that holds a lock on any byte of the range. Asking changes nothing. nullopt: no
// process does. Asks with a descriptor: where SQLite has the file open, use SQLite's own (Law 1).
Result<std::optional<LockHolder>> find_lock_holder(const File& file, ByteRange range);
Result<std::optional<LockHolder>> find_lock_holder(int descriptor, ByteRange range);

class RecordLock {
 public:
  // The whole range, or nothing: nullopt if another process has a lock on any byte of it. `file`
  // must outlive the lock.
  static Result<std::optional<RecordLock>> try_take(const File& file, ByteRange range);
  ~RecordLock();
  RecordLock(RecordLock&& other) noexcept : file_(other.file_), range_(other.range_) {
    other.file_ = nullptr;
  }
  RecordLock& operator=(RecordLock&&) = delete;

 private:
  RecordLock(const File& file, ByteRange range) : file_(&file), range_(range) {}
  const File* file_;
  ByteRange range_;
};

}  // namespace walwrap::os
