#include "walwrap/replication/startup/start_retry.hpp"

namespace walwrap::replication {

std::optional<std::chrono::milliseconds> pause_before_retry(Code code, int denials) {
  switch (code) {
    case Code::Unavailable:
    case Code::Busy:
    case Code::NotFound:  // a file was merged away between the listing and the read
      return kRetryPause;
    case Code::Denied:
      if (denials < 1 || denials > static_cast<int>(kDeniedPauses.size())) return std::nullopt;
      return kDeniedPauses[static_cast<std::size_t>(denials) - 1];
    default:
      return std::nullopt;
  }
}

}  // namespace walwrap::replication
