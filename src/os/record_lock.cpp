#include "walwrap/os/record_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace walwrap::os {
namespace {

struct flock lock_of(short type, ByteRange range) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(range.first);
  lock.l_len = static_cast<off_t>(range.count);
  return lock;
}

}  // namespace

Result<std::optional<LockHolder>> find_lock_holder(const File& file, ByteRange range) {
  return find_lock_holder(file.descriptor(), range);
}

Result<std::optional<LockHolder>> find_lock_holder(int descriptor, ByteRange range) {
  struct flock lock = lock_of(F_WRLCK, range);
  if (uninterrupted([&] { return ::fcntl(descriptor, F_GETLK, &lock); }) != 0) {
    return errno_failure("fcntl(F_GETLK)", "", errno);
  }
  if (lock.l_type == F_UNLCK) return std::optional<LockHolder>();
  return std::optional(
      LockHolder{.pid = lock.l_pid > 0 ? std::optional(Pid{lock.l_pid}) : std::nullopt});
}

Result<std::optional<RecordLock>> RecordLock::try_take(const File& file, ByteRange range) {
  struct flock lock = lock_of(F_WRLCK, range);
  if (uninterrupted([&] { return ::fcntl(file.descriptor(), F_SETLK, &lock); }) == 0) {
    return std::optional(RecordLock(file, range));
  }
  if (errno == EACCES || errno == EAGAIN) return std::optional<RecordLock>();
  return errno_failure("fcntl(F_SETLK)", "", errno);
}

RecordLock::~RecordLock() {
  if (file_ == nullptr) return;
  struct flock lock = lock_of(F_UNLCK, range_);
  ::fcntl(file_->descriptor(), F_SETLK, &lock);
}

}  // namespace walwrap::os
