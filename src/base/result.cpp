#include "walwrap/base/result.hpp"

namespace walwrap {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::NotFound:
      return "not found";
    case Code::Exists:
      return "exists";
    case Code::Denied:
      return "denied";
    case Code::Unavailable:
      return "unavailable";
    case Code::Unknown:
      return "unknown";
    case Code::Busy:
      return "busy";
    case Code::Corrupt:
      return "corrupt";
    case Code::Unsupported:
      return "unsupported";
    case Code::Invalid:
      return "invalid";
    case Code::Mismatch:
      return "mismatch";
    case Code::Io:
      return "io";
    case Code::Cancelled:
      return "cancelled";
    case Code::Deadline:
      return "deadline";
  }
  panic(__FILE__, __LINE__, "code is one of Code");
}

}  // namespace walwrap
