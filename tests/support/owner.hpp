// What a test of the checkpoint owner gives it: the clock, and a capture with nothing to do.
#pragma once

#include "walwrap/os/clock.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"

namespace walwrap::testing {

inline const os::SystemClock kClock;
inline const sqlite::CheckpointOwner::CaptureFn kNothingToCapture = []() -> Result<void> {
  return {};
};

}  // namespace walwrap::testing
