// The rights of a walwrap process beyond its user's, and dropping them.
//
// The app gets the rights that walwrap was given, so init drops rights only after the app was
// started, and the replicator at once. Source: capabilities(7); the numbers are the kernel's. For
// the calling thread, which is then the only one of the process.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "walwrap/base/result.hpp"

namespace walwrap::os {

enum class Capability : std::uint8_t {
  Chown = 0,
  DacOverride = 1,  // read and write whatever the app's user owns
  Fowner = 3,
  Kill = 5,  // signal an app that has changed its user
  SetGid = 6,
  SetUid = 7,
};

bool has_capability(Capability capability);
// Drops all others for good. A missing one is not gained.
Result<void> keep_capabilities(std::initializer_list<Capability> kept);
// No program that this process or its children execute gains anything by its set-user-id bits.
void forbid_new_privileges();

}  // namespace walwrap::os
