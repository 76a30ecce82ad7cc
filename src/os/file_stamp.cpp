#include "walwrap/os/file_stamp.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace walwrap::os {
namespace {

std::chrono::nanoseconds since_1970(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

FileStamp stamp_from(const struct stat& raw) {
  return {.id = {.device = raw.st_dev, .inode = raw.st_ino},
          .size = static_cast<Bytes>(raw.st_size),
          .written = since_1970(raw.st_mtim),
          .changed = since_1970(raw.st_ctim)};
}

}  // namespace

Result<FileStamp> stamp_of(const Path& path) {
  struct stat raw {};
  if (::stat(path.c_str(), &raw) != 0) return errno_failure("stat", path.native(), errno);
  return stamp_from(raw);
}

Result<FileStamp> stamp_at(const Path& path) {
  struct stat raw {};
  if (::lstat(path.c_str(), &raw) != 0) return errno_failure("lstat", path.native(), errno);
  return stamp_from(raw);
}

Result<bool> has_open(const FileId& file) {
  const Path descriptors = "/proc/self/fd";
  const auto names = TRY(list_directory(descriptors).context("list open files"));
  for (const std::string& name : names) {
    // Through the link, so that it is the open file's own. The listing's own descriptor is gone.
    const auto stamp = stamp_of(descriptors / name);
    if (stamp && stamp->id == file) return true;
  }
  return false;
}

}  // namespace walwrap::os
