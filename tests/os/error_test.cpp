#include "walwrap/os/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>

namespace walwrap::os {
namespace {

TEST_CASE("an error names the call, the path and the reason, and has the code callers branch on") {
  struct Row {
    int error_number;
    Code code;
  };
  for (const Row& row : {
           Row{ENOENT, Code::NotFound},        Row{EEXIST, Code::Exists},
           Row{EACCES, Code::Denied},          Row{EPERM, Code::Denied},
           Row{EROFS, Code::Denied},           Row{ENOSPC, Code::Unavailable},
           Row{EIO, Code::Unavailable},        Row{EDQUOT, Code::Unavailable},
           Row{ESTALE, Code::Unavailable},     Row{EMFILE, Code::Unavailable},
           Row{ENOMEM, Code::Unavailable},     Row{EAGAIN, Code::Unavailable},
           Row{EOPNOTSUPP, Code::Unsupported}, Row{ENOSYS, Code::Unsupported},
           Row{ENOTDIR, Code::Invalid},        Row{EISDIR, Code::Invalid},
           Row{ENAMETOOLONG, Code::Invalid},   Row{ELOOP, Code::Invalid},
           Row{EINVAL, Code::Invalid},         Row{EXDEV, Code::Io},
       }) {
    CAPTURE(row.error_number);
    CHECK(errno_failure("openat", "/x/y", row.error_number).error.code == row.code);
  }
  CHECK(errno_failure("openat", "/x/y", EACCES).error.text == "openat /x/y: Permission denied");
  CHECK(errno_failure("fork", "", EAGAIN).error.text == "fork: Resource temporarily unavailable");
}

}  // namespace
}  // namespace walwrap::os
