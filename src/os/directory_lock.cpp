#include "walwrap/os/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace walwrap::os {

Result<std::optional<DirectoryLock>> DirectoryLock::try_take(const Path& directory) {
  Fd fd(uninterrupted([&] {
    return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
  }));
  if (!fd.is_open()) return path_failure("open", directory);
  if (uninterrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) == 0) {
    return std::optional(DirectoryLock(std::move(fd)));
  }
  if (errno == EWOULDBLOCK) return std::optional<DirectoryLock>();
  // NFS wants a descriptor that can be written to, which a directory's cannot be.
  if (errno == EBADF || errno == ENOLCK || errno == EINVAL || errno == ENOSYS ||
      errno == EOPNOTSUPP) {
    return fail(Code::Unsupported, "flock {}: not on this file system", directory.string());
  }
  return path_failure("flock", directory);
}

bool DirectoryLock::is_held(const Path& directory) {
  const auto lock = try_take(directory);
  return lock && !*lock;
}

}  // namespace walwrap::os
