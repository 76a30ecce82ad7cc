#include "walwrap/os/error.hpp"

#include <string>
#include <system_error>

namespace walwrap::os {
namespace {

Code code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
      return Code::NotFound;
    case EEXIST:
      return Code::Exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::Denied;
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
    case ENFILE:
    case EMFILE:
    case ENOMEM:
    case EAGAIN:
      return Code::Unavailable;
    case EOPNOTSUPP:
    case ENOSYS:
      return Code::Unsupported;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
      return Code::Invalid;
    default:
      return Code::Io;
  }
}

}  // namespace

Failure errno_failure(std::string_view call, std::string_view subject, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  const std::string_view space = subject.empty() ? "" : " ";
  return fail(code_of(error_number), "{}{}{}: {}", call, space, subject, reason);
}

Failure path_failure(std::string_view call, const Path& path) {
  const int error_number = errno;  // before anything can change it
  return errno_failure(call, path.native(), error_number);
}

}  // namespace walwrap::os
