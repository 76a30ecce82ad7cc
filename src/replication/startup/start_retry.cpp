#include "walwrap/replication/startup/start_retry.hpp"

#include <algorithm>

namespace walwrap::replication {

StartWait wait_of_look(Unreached unreached, MonoTime give_up, MonoTime now) {
  if (unreached == Unreached::IsMissed) return {.until = now + kLookLimit, .hurry = true};
  return {.until = std::max(give_up, now + kShortestLook), .hurry = false};
}

StartWait wait_of_restore(MonoTime give_up, MonoTime now) {
  return {.until = std::max(give_up, now + kStalledRestore), .hurry = false};
}

std::optional<std::chrono::milliseconds> pause_before_retry(Code code, int denials) {
  switch (code) {
    case Code::Unavailable:
    case Code::Busy:
    case Code::NotFound:  // a compaction deleted a file between the listing and the read
      return kRetryPause;
    case Code::Denied:
      if (denials < 1 || denials > static_cast<int>(kDeniedPauses.size())) return std::nullopt;
      return kDeniedPauses[static_cast<std::size_t>(denials) - 1];
    default:
      return std::nullopt;
  }
}

}  // namespace walwrap::replication
