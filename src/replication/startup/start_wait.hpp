// How long a start waits for its store. Pure.
//
// A start waits until its time-out; where a known database can do without the replica, a look at it
// gets a few seconds of that, in a hurry.
#pragma once

#include <chrono>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

// Of a look that may fail: a few tries, or two of a store that does not say a word.
inline constexpr std::chrono::seconds kLookLimit{3};
// Whatever the start's time-out: a store on the other side of the world answers in that.
inline constexpr std::chrono::seconds kShortestLook{1};
// A restore that moves on is not given up: it has this long from its last byte.
inline constexpr std::chrono::seconds kStalledRestore{30};

struct StartWait {
  MonoTime until;
  bool hurry = false;
};
enum class Unreached { IsRefused, IsMissed };  // what a start makes of a replica it cannot reach

StartWait wait_of_look(Unreached unreached, MonoTime give_up, MonoTime now);
// After bytes have come.
StartWait wait_of_restore(MonoTime give_up, MonoTime now);

}  // namespace walwrap::replication
