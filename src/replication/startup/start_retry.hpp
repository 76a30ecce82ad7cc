// How long a start waits for its store, how often it is tried again, and how soon.
//
// Pure. A start waits until its time-out; where a known database can do without the replica, a look
// at it gets a few seconds of that, in a hurry.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "walwrap/base/result.hpp"
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

// Between two tries of a start that failed. A busy or silent one may go better soon. Rights and
// credentials come from outside, and rarely while a user waits: three tries in 15 s tell a slip
// (rights that a store has not learned yet) from a mistake. A configuration changes with the next
// start alone.
inline constexpr std::chrono::milliseconds kRetryPause{500};
inline constexpr std::array<std::chrono::milliseconds, 2> kDeniedPauses{
    std::chrono::milliseconds{2'000}, std::chrono::milliseconds{13'000}};
inline constexpr std::chrono::milliseconds kDeniedLimit{15'000};  // their sum
// `denials`: how often it was denied, this time included. nullopt: do not try again.
std::optional<std::chrono::milliseconds> pause_before_retry(Code code, int denials);

}  // namespace walwrap::replication
