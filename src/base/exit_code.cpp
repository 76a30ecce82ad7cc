#include "walwrap/base/exit_code.hpp"

namespace walwrap {

int exit_code_of(Code code) {
  switch (code) {
    case Code::Denied:
    case Code::Unavailable:
    case Code::Unknown:
    case Code::Deadline:
      return kExitUnreachable;
    case Code::Corrupt:
    case Code::Unsupported:
    case Code::Mismatch:
      return kExitDamaged;
    case Code::NotFound:
    case Code::Exists:
    case Code::Busy:
    case Code::Invalid:
    case Code::Io:
    case Code::Cancelled:
      return kExitNotSo;
  }
  return kExitNotSo;
}

}  // namespace walwrap
