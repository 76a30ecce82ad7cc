// What a failed call of the operating system becomes: an Error that names the call and its subject.
//
// Error codes: NotFound (ENOENT), Exists (EEXIST), Denied (EACCES, EPERM, EROFS), Unavailable
// (EIO, ENOSPC, EDQUOT, ESTALE, ENOTCONN, ETIMEDOUT, ENFILE, EMFILE, ENOMEM), Unsupported
// (EOPNOTSUPP, ENOSYS), Invalid (ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, EINVAL), else Io.
#pragma once

#include <cerrno>
#include <filesystem>
#include <string_view>

#include "walwrap/base/result.hpp"

namespace walwrap::os {

using Path = std::filesystem::path;

// "openat /x/y: Permission denied" with the Code that belongs to `error_number`.
Failure errno_failure(std::string_view call, std::string_view subject, int error_number);
Failure path_failure(std::string_view call, const Path& path);  // by errno

// Repeats a call that was interrupted before it did anything.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace walwrap::os
