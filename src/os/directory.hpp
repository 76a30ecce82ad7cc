// A directory and the files in it, for a process with more rights than the users who can write to
// the directory: walwrap as root, beside an app that runs as the user of --user.
//
// That user may put a link, a hard link, a pipe or a file of another user in the place of any name
// at any moment. So no path is checked and then used: the directory and each file are opened
// without following a link, judged by their descriptors, and only then read, written or given to
// another owner. Only what the same call has made is given to another owner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/fd.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

// One of a directory's files, as it was when it was judged.
class HeldFile {
 public:
  Result<ByteVector> read(Bytes limit) const;  // from its beginning; Invalid: larger
  Result<void> write(ByteSpan bytes);          // at its beginning
  Result<void> sync();
  Result<FileStatus> status() const;
  // A lock on the whole file that ends with this object, or with the process. False: another
  // process has it.
  Result<bool> try_lock();
  // Leads to this very file for as long as this object is there, whatever happens to its name.
  Path by_descriptor() const;

 private:
  friend class Directory;
  HeldFile(Fd fd, Path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  Path path_;  // for messages
};
// The same for a file that SQLite does not know yet.
Result<bool> try_lock(const File& file);

class Directory {
 public:
  // `owner`: new files belong to that user, and a file of any user other than that one and this
  // process's is not trusted. Without an owner only links and non-files are refused. Invalid: a
  // link or a non-directory is in its place. Mismatch: it belongs to another user.
  static Result<Directory> open(const Path& path, const std::optional<FileOwner>& owner);
  // Makes it if it does not exist; its parent must exist.
  static Result<Directory> open_or_make(const Path& path, std::uint32_t mode,
                                        const std::optional<FileOwner>& owner);

  // Invalid: the name does not lead to a regular file of a trusted user with one name.
  Result<HeldFile> open_file(std::string_view name, File::Open how) const;
  // Exists: something has that name.
  Result<HeldFile> create_file(std::string_view name, std::uint32_t mode = 0600) const;
  // For reading and writing. Anything else under the name is replaced by an empty file.
  Result<HeldFile> open_or_replace(std::string_view name, std::uint32_t mode = 0600) const;
  Result<void> rename(std::string_view from, std::string_view to) const;  // replaces `to`
  Result<void> remove(std::string_view name) const;
  Result<std::vector<std::string>> names() const;
  Result<void> sync() const;

 private:
  Directory(Fd fd, Path path, const std::optional<FileOwner>& owner)
      : fd_(std::move(fd)), path_(std::move(path)), owner_(owner) {}
  Fd fd_;
  Path path_;  // for messages
  std::optional<FileOwner> owner_;
};

// Gives a socket, which has no descriptor of its own in the file system, to `owner`. Invalid: the
// name does not lead to a socket of this user.
Result<void> give_socket(const Path& path, const FileOwner& owner);

}  // namespace walwrap::os
