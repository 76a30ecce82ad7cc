// Stored files -> database file: by a plan, in parallel, and visible only when it is complete (Law
// 4).
//
//   state    output name   temporary name       left by
//   Absent   nothing       nothing              restore_database() -> Filling
//   Filling  nothing       pages, in any order  each page is there, each checksum agrees -> Whole
//   Whole    nothing       the database         fsync, and the integrity check -> Proven
//   Proven   nothing       it is on disk        publish() -> Placed; Exists: another file is there
//   Placed   the database  nothing              -
//
// An error or a stop in any state removes the temporary file: Absent. A crash leaves it, and the
// next restore removes it (restore_leftovers.hpp). How pages are found is in restore_pages.hpp.
// Memory stays under 64 MiB whatever the size.
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/replication/restore/restore_request.hpp"

namespace walwrap::replication {

// Codes: Corrupt (with the key of the damaged file), NotFound (a planned file was deleted: list and
// plan again), Unsupported (another version of the format), Unavailable, Denied, Cancelled, Exists
// (the output), Invalid (its directory does not exist). Leaves nothing behind on error.
// Integrity::Quick checks databases of up to 1 GiB.
Result<Restored> restore_database(const RestoreRequest& request);

}  // namespace walwrap::replication
