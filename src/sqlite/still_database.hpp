// Reads a database that no other process uses from its files alone: the database file, and the
// commits in the -wal.
//
// It opens no connection, so reading changes nothing: no journal mode, no -wal, no -shm, no
// checkpoint. Meanwhile it holds SQLite's locks, so that no process begins to use the database. Law
// 1: only while no connection of this process has it open. Source: sqlite.org/fileformat2.html.
// Owned by one thread.
#pragma once

#include <memory>
#include <optional>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/record_lock.hpp"
#include "walwrap/wal/frame_map.hpp"

namespace walwrap::sqlite {

class StillDatabase {
 public:
  // Errors: NotFound (no file or an empty one), Busy (another process uses it), Unsupported (a
  // transaction in the -journal must be rolled back first), Corrupt (not an SQLite database), and
  // those of File::open.
  static Result<StillDatabase> open(const os::Path& database);

  PageSize page_size() const { return page_size_; }
  std::uint32_t pages() const { return pages_; }
  // As of the last commit. `page` has page_size() bytes.
  Result<void> read_page(Pgno pgno, MutableByteSpan page) const;
  // As it is in the database file under the WAL. The missing part of a truncated file is zeros.
  bool is_in_wal(Pgno pgno) const { return frames_.newest(pgno) != 0; }
  Result<void> read_file_page(Pgno pgno, MutableByteSpan page) const;
  // No commit in a WAL lies over the file, and the file has each page that its header names. A file
  // that was cut lacks some.
  Result<bool> is_complete_file() const;

 private:
  StillDatabase() = default;
  Result<void> read_header();
  Result<void> read_from(const os::File& file, Bytes offset, MutableByteSpan page) const;
  Result<void> read_wal(const os::Path& path);

  // The lock refers to the file, so the file object must not move.
  std::unique_ptr<os::File> file_;
  std::optional<os::RecordLock> lock_;
  std::optional<os::File> wal_;
  wal::FrameMap frames_;
  PageSize page_size_;
  std::uint32_t pages_ = 0;
};

// Whether another process's lock would delay attaching now. Changes nothing, so a start can use it
// before any change. Errors: Busy, with the process if the kernel lists it. Law 1: as above.
Result<void> check_attachable(const os::Path& database);

}  // namespace walwrap::sqlite
