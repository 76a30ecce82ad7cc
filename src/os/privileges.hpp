// What a process of ours may do beyond its user's rights, and giving it up.
//
// The app gets what we were given, so init gives up only after the app was started, the replicator
// at once. Source: capabilities(7); the numbers are the kernel's. For the calling thread, which is
// the process's only one then.
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
// Gives up all others, for good. What is not there is not gained.
Result<void> keep_capabilities(std::initializer_list<Capability> kept);
// No program that this process or its children execute gains anything by its set-user-id bits.
void forbid_new_privileges();

}  // namespace walwrap::os
