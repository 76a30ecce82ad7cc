// Stored files -> database file: plan, parallel fetch and decode, atomic appearance.
//
// Memory stays under 64 MiB whatever the size. Every file's checksum, the chain and the final size
// are checked; nothing appears under the final name before all of it has agreed, is on disk and
// has passed the integrity check that was asked for.
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/replication/restore/restore_request.hpp"

namespace walwrap::replication {

// Codes: Corrupt (with the key of the broken file), NotFound (a planned file was deleted: list and
// plan again), Unsupported (another version of the format), Unavailable, Denied, Cancelled, Exists
// (the output), Invalid (its directory is not there). Leaves nothing behind on error. Integrity::
// Quick checks databases of up to 1 GiB.
Result<Restored> restore_database(const RestoreRequest& request);

}  // namespace walwrap::replication
