#include "walwrap/replication/startup/start_wait.hpp"

#include <algorithm>

namespace walwrap::replication {

StartWait wait_of_look(Unreached unreached, MonoTime give_up, MonoTime now) {
  if (unreached == Unreached::IsMissed) return {.until = now + kLookLimit, .hurry = true};
  return {.until = std::max(give_up, now + kShortestLook), .hurry = false};
}

StartWait wait_of_restore(MonoTime give_up, MonoTime now) {
  return {.until = std::max(give_up, now + kStalledRestore), .hurry = false};
}

}  // namespace walwrap::replication
