// Files and directories, by path, with errors that name the call and the path.
//
// Never used on a live SQLite database or its -shm: closing any descriptor of theirs drops this
// process's POSIX locks (Law 1). The -wal may be read with File. Error codes: as errno_failure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/error.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileId&) const = default;
};

struct FileOwner {
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  bool operator==(const FileOwner&) const = default;
};

enum class FileType { Regular, Directory, Other };

struct FileStatus {
  FileType type = FileType::Other;
  FileId id;
  Bytes size = 0;
  WallTime modified;
  std::uint32_t mode = 0;  // permission bits
  FileOwner owner;
};

// Follows symbolic links. Errors: NotFound and the rest above.
Result<FileStatus> status_of(const Path& path);
bool exists(const Path& path);                            // false also where it cannot be told
Result<void> rename(const Path& from, const Path& to);    // replaces `to`
Result<void> link_new(const Path& from, const Path& to);  // hard link; Exists if `to` is there
Result<void> remove_file(const Path& path);
// Errors: Busy (something is in it).
Result<void> remove_empty_directory(const Path& path);
// Its name durable; fine if it is there. NotFound: its parent is not there.
Result<void> make_directory(const Path& path, std::uint32_t mode,
                            const std::optional<FileOwner>& owner = {});
// Those that are not there, each given to `owner`, if there is one.
Result<void> make_directories(const Path& path, std::uint32_t mode,
                              const std::optional<FileOwner>& owner = {});
// Denied: only root may give files away.
Result<void> set_owner(const Path& path, const FileOwner& owner);
Result<void> sync_directory(const Path& path);
Path directory_of(const Path& path);  // "." for a bare name
// Names in the directory, unsorted, without "." and "..".
Result<std::vector<std::string>> list_directory(const Path& path);
Result<ByteVector> read_file(const Path& path, Bytes limit);  // Invalid: larger than `limit`
Result<void> set_modified(const Path& path, WallTime time);
// Type of the file system as statfs names it, for the log and for decisions: "ext4", "tmpfs",
// "overlay", "nfs", ...; its magic number in hex where it has no name here.
Result<std::string> filesystem_name(const Path& path);
Result<Bytes> free_bytes(const Path& path);
// Whether this process may make files in the directory: by its rights, and by the file system's.
Result<void> may_create_in(const Path& directory);

class File {
 public:
  enum class Open { ReadOnly, ReadWrite, CreateNew };  // CreateNew: Exists if it is there
  static Result<File> open(const Path& path, Open how, std::uint32_t mode = 0600);

  // Reads at most buffer.size() bytes; fewer only at the end of the file.
  Result<std::size_t> read_at(MutableByteSpan buffer, Bytes offset) const;
  Result<void> write_at(ByteSpan bytes, Bytes offset);  // all of them
  Result<void> allocate(Bytes size);                    // reserves space; ENOSPC is Unavailable
  Result<void> truncate(Bytes size);
  Result<void> set_modified(WallTime time);
  Result<void> sync();
  // Asks the kernel to begin to write these bytes to the disk. Waits only where the disk's queue is
  // full. Says nothing of an error: a sync() to come has it.
  void start_writeback(Bytes offset, Bytes length) const;
  Result<Bytes> size() const;
  Result<FileStatus> status() const;
  Result<void> set_owner(const FileOwner& owner);  // Denied: only root may give files away
  int descriptor() const { return fd_.get(); }

 private:
  explicit File(Fd fd, Path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  Path path_;
};

}  // namespace walwrap::os
