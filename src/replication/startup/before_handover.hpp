// Before a start takes the database over: whether it could go on where the owner is.
//
// The owner serves. A newcomer that would be refused afterwards, because of a wrong URL, missing
// credentials or an unreachable store, must not end it. Blocks for a few seconds at most.
#pragma once

#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/startup/boot_request.hpp"
#include "walwrap/replication/startup/inspection.hpp"

namespace walwrap::replication {

// Mismatch: why the owner is left alone, and what to do.
Result<void> check_same_replica(const BootRequest& request, const SavedState& state,
                                const ReplicaInspection& replica);

// Asks for the owner's consent, inspects the replica, and asks for the hand-over. Errors: Mismatch.
Result<OwnerAnswer> ask_for_handover(const BootRequest& request, const StateDir& directory,
                                     MonoTime give_up, const os::Clock& clock);

}  // namespace walwrap::replication
