// How long a start waits for its store, how often it tries again, and how soon.
//
// Pure. A start waits until its time-out. If a known database can start without the replica, the
// check of the replica gets only a few seconds of that, with short retries.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::replication {

// For an inspection that may fail: a few tries, or two for a store that does not answer.
inline constexpr std::chrono::seconds kLookLimit{3};
// Independent of the start's time-out: even a distant store answers in this time.
inline constexpr std::chrono::seconds kShortestLook{1};
// A restore that makes progress is not given up: it has this long from its last byte.
inline constexpr std::chrono::seconds kStalledRestore{30};

struct StartWait {
  MonoTime until;
  bool hurry = false;
};
enum class Unreached { IsRefused, IsMissed };  // what a start does with an unreachable replica

StartWait wait_of_look(Unreached unreached, MonoTime give_up, MonoTime now);
// After bytes have come.
StartWait wait_of_restore(MonoTime give_up, MonoTime now);

// The pause between two tries of a failed start. A busy or silent store may answer soon. Rights and
// credentials are changed by a person, and rarely while a user waits: three tries in 15 s tell a
// temporary refusal (a store that has not learned of new rights) from a mistake. A configuration
// changes only with the next start.
inline constexpr std::chrono::milliseconds kRetryPause{500};
inline constexpr std::array<std::chrono::milliseconds, 2> kDeniedPauses{
    std::chrono::milliseconds{2'000}, std::chrono::milliseconds{13'000}};
inline constexpr std::chrono::milliseconds kDeniedLimit{15'000};  // their sum
// `denials`: the number of refusals including this one. nullopt: do not try again.
std::optional<std::chrono::milliseconds> pause_before_retry(Code code, int denials);

}  // namespace walwrap::replication
