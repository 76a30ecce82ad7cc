// How long a replicator waits for its store: the one place that says so. Pure.
//
// A start waits until its time-out; where a known database can do without the replica, a look at it
// gets a few seconds of that, in a hurry. While the app runs nothing is given up. A stop hurries,
// its flush has a deadline, and a quit ends everything.
#pragma once

#include <optional>

#include "walwrap/base/types.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/startup/start_retry.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// `start`: nullopt once it is over; `stopped`: the caller has cancelled it.
storage::CallBudget budget_of(const std::optional<StartWait>& start, bool stopped,
                              const Orders& orders);
// Of what a stop need not wait for.
storage::CallBudget budget_of_compaction(const Orders& orders);

}  // namespace walwrap::replication
