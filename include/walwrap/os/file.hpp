// Files and directories, by path, with errors that name the call and the path.
//
// Never used on a live SQLite database or its -shm: closing any descriptor of theirs drops this
// process's POSIX locks (Law 1). The -wal may be read with File.
//
// Error codes: NotFound (ENOENT), Exists (EEXIST), Denied (EACCES, EPERM, EROFS), Unavailable
// (EIO, ENOSPC, EDQUOT, ESTALE, ENOTCONN, ETIMEDOUT, ENFILE, EMFILE, ENOMEM), Unsupported
// (EOPNOTSUPP, ENOSYS), Invalid (ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, EINVAL), else Io.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/bytes.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

using Path = std::filesystem::path;

// "openat /x/y: Permission denied" with the Code that belongs to `error_number`.
Failure errno_failure(std::string_view call, std::string_view subject, int error_number);

struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileId&) const = default;
};

enum class FileType { Regular, Directory, Other };

struct FileStatus {
  FileType type = FileType::Other;
  FileId id;
  Bytes size = 0;
  WallTime modified;
  std::uint32_t mode = 0;   // permission bits
  std::uint32_t owner = 0;  // uid
  std::uint32_t group = 0;  // gid
};

// Follows symbolic links. Errors: NotFound and the rest above.
Result<FileStatus> status_of(const Path& path);
bool exists(const Path& path);                            // false also where it cannot be told
Result<void> rename(const Path& from, const Path& to);    // replaces `to`
Result<void> link_new(const Path& from, const Path& to);  // hard link; Exists if `to` is there
Result<void> remove_file(const Path& path);
Result<void> make_directories(const Path& path, std::uint32_t mode);
Result<void> sync_directory(const Path& path);
// Names in the directory, unsorted, without "." and "..".
Result<std::vector<std::string>> list_directory(const Path& path);
Result<ByteVector> read_file(const Path& path, Bytes limit);  // Invalid: larger than `limit`
Result<void> set_modified(const Path& path, WallTime time);
// Type of the file system as statfs names it, for the log and for decisions: "ext4", "tmpfs",
// "overlay", "nfs", ...; its magic number in hex where it has no name here.
Result<std::string> filesystem_name(const Path& path);
Result<Bytes> free_bytes(const Path& path);

class File {
 public:
  enum class Open { ReadOnly, ReadWrite, CreateNew };  // CreateNew: Exists if it is there
  static Result<File> open(const Path& path, Open how, std::uint32_t mode = 0600);

  // Reads at most buffer.size() bytes; fewer only at the end of the file.
  Result<std::size_t> read_at(MutableByteSpan buffer, Bytes offset) const;
  Result<void> write_at(ByteSpan bytes, Bytes offset);  // all of them
  Result<void> allocate(Bytes size);                    // reserves space; ENOSPC is Unavailable
  Result<void> truncate(Bytes size);
  Result<void> sync();
  Result<Bytes> size() const;
  Result<FileStatus> status() const;
  Result<void> set_owner_and_mode(const FileStatus& like);  // best effort on owner when not root
  int descriptor() const { return fd_.get(); }

 private:
  explicit File(Fd fd, Path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  Path path_;
};

// A file that appears under its name whole and durable, or not at all (Law 4): written to a
// temporary name beside it, fsync, rename or link, fsync of the directory. Dropping it without
// commit() removes the temporary file.
class AtomicFile {
 public:
  // The temporary name is "<final>.tmp-<random>"; its directory must exist.
  static Result<AtomicFile> create(const Path& final_path, std::uint32_t mode = 0600);
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) noexcept;
  ~AtomicFile();

  Result<void> write(ByteSpan bytes);  // appends
  Result<void> set_modified(WallTime time);
  Bytes written() const { return written_; }

  enum class Publish {
    Replace,    // rename over whatever is there
    CreateNew,  // link: Exists if something is there, which is left untouched
  };
  Result<void> commit(Publish how);

 private:
  AtomicFile(File file, Path temporary, Path final_path);
  void discard();
  std::optional<File> file_;
  Path temporary_;
  Path final_;
  Bytes written_ = 0;
};

// A file mapped shared and writable, grown as needed; what is written to it survives this process,
// and the machine after sync(). Page-size aligned internally; `bytes()` is exactly size().
class MappedFile {
 public:
  // Opens or creates; keeps the content that is there.
  static Result<MappedFile> open(const Path& path, Bytes size, std::uint32_t mode = 0600);
  MappedFile(MappedFile&&) noexcept;
  MappedFile& operator=(MappedFile&&) noexcept;
  ~MappedFile();

  MutableByteSpan bytes() { return {data_, size_}; }
  ByteSpan bytes() const { return {data_, size_}; }
  Result<void> resize(Bytes size);  // new bytes are zero; invalidates earlier spans
  Result<void> sync();

 private:
  MappedFile() = default;
  void unmap();
  Fd fd_;
  Path path_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace walwrap::os
