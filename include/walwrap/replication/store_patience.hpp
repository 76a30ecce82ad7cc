// How long a replicator waits for its store: the one place that says so. Pure.
//
// A start waits until its time-out; where a known database can do without the replica, a look at it
// gets a few seconds of that, in a hurry. While the app runs nothing is given up. A stop hurries,
// its flush has a deadline, and a quit ends everything.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/exchange.hpp"
#include "walwrap/storage/patience.hpp"

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

// `start`: nullopt once it is over; `stopped`: whoever began it wants no more of it.
storage::Patience patience_of(const std::optional<StartWait>& start, bool stopped,
                              const Orders& orders);
// Of what a stop need not wait for.
storage::Patience patience_of_merge(const Orders& orders);

}  // namespace walwrap::replication
