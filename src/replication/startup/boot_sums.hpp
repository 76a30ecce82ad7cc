// The page sums of a start: those beside the state that belong to it, and those of the replica in a
// separate file.
#pragma once

#include <optional>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/startup/inspection.hpp"
#include "walwrap/replication/startup/local_pages.hpp"

namespace walwrap::replication {

// Page sums in a file without a name, for a comparison.
Result<PageSums> scratch_sums(const os::Path& database);

// Sums of another state, or newer than what is stored, are not known. Logs this.
Result<PageSums> open_sums_of(const std::optional<SavedState>& state, const StateDir& directory,
                              const ReplicaInspection& replica, const Log& log);

// The local database compared with the newest state of the replica, without the saved sums.
struct ComparedWithReplica {
  AppliedToSums applied;
  Differences differences;
};
// `scratch` becomes the sums of the replica. Reads as much as a restore.
Result<ComparedWithReplica> compare_with_replica(const os::Path& database,
                                                 const ReplicaInspection& replica, KeyStyle style,
                                                 PageSums& scratch, const os::Clock& clock,
                                                 std::optional<wal::Position> reaches = {});

// How the local pages relate to the newest state: from the saved sums, else from the replica, which
// fills `scratch`. For an unreachable replica only Equal or New, from the saved sums.
// `newest_reaches`: pages that the WAL holds after that are left out. none: no page is left out.
struct RelatedTo {
  const SavedState& state;
  const PageSums& sums;
  const ReplicaInspection& replica;
  KeyStyle style;
  std::optional<wal::Position> newest_reaches;
};
// nullopt: unknown without the replica.
Result<std::optional<PagesFound>> relate_pages(const os::Path& database, const RelatedTo& to,
                                               PageSums& scratch, const os::Clock& clock);

}  // namespace walwrap::replication
