// For a start that had to do without the replica: what it holds is settled when it is reached,
// while the app runs on.
//
// Runs on the upload thread; blocks in the store. Nothing local is replaced by then, so a local
// database that was behind what is stored stops replication.
#pragma once

#include <memory>

#include "walwrap/base/result.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/startup/boot.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// Opens the replica and brings `state` and `sums` up to what it holds. Mismatch: it is not ours to
// continue. Else: try again.
Result<std::unique_ptr<storage::ObjectStore>> reconnect(const BootRequest& request,
                                                        const FoundAtStart& found,
                                                        SavedState& state, PageSums& sums);

}  // namespace walwrap::replication
