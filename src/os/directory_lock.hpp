// A directory in which only one process works at a time. The kernel releases the lock when the
// process ends in any way; no other process can take it away.
#pragma once

#include <optional>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/os/error.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

class DirectoryLock {
 public:
  // nullopt: another process holds it. Unsupported: this file system has no such locks.
  static Result<std::optional<DirectoryLock>> try_take(const Path& directory);
  // Takes it for a moment to find out. False also where nobody can tell: there is no such
  // directory, or it has no locks.
  static bool is_held(const Path& directory);

 private:
  explicit DirectoryLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace walwrap::os
