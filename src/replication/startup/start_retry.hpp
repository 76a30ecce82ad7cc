// How often a start that failed is tried again, and how soon. Pure.
#pragma once

#include <array>
#include <chrono>
#include <optional>

#include "walwrap/base/result.hpp"

namespace walwrap::replication {

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
