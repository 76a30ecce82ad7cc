// For a start without the replica: the replica's content is compared when it is reached, while the
// app runs.
//
// Runs on the upload thread; blocks in the store. Nothing local can be replaced at that time, so a
// local database that was behind the replica stops replication.
#pragma once

#include <memory>

#include "walwrap/base/result.hpp"
#include "walwrap/replication/replica/state.hpp"
#include "walwrap/replication/startup/boot.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

// Opens the replica and updates `state` and `sums` to its content. Mismatch: this database must not
// continue it. Other errors: try again.
Result<std::unique_ptr<storage::ObjectStore>> reconnect(const BootRequest& request,
                                                        const FoundAtStart& found,
                                                        SavedState& state, PageSums& sums);

}  // namespace walwrap::replication
