// Decides how long a replicator waits for its store. No other place decides that. Pure.
//
// A start waits until its time-out. If a known database can start without the replica, the check of
// the replica gets only a few seconds, with short retries. While the app runs, nothing is given up.
// A stop shortens the retries, its flush has a deadline, and a quit order ends everything.
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
// For calls for which a stop does not wait.
storage::CallBudget budget_of_compaction(const Orders& orders);

}  // namespace walwrap::replication
