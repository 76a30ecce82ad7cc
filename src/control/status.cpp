#include "walwrap/control/status.hpp"

namespace walwrap::control {

KnownSnapshot newest_snapshot(const DatabaseStatus& database) {
  KnownSnapshot newest;
  const auto& made = database.progress.snapshot;
  if (made.stored_at && made.error.empty()) newest = {made.txid, *made.stored_at};
  if (!database.points || !database.points->snapshot) return newest;
  const auto& listed = *database.points->snapshot;
  return listed.txid > newest.txid ? KnownSnapshot{listed.txid, listed.time} : newest;
}

std::uint64_t commits_behind(const replication::Progress& progress) {
  const auto commits = progress.committed.commits;
  return commits > progress.stored ? commits - progress.stored : 0;
}

std::chrono::milliseconds predict_flush(const replication::ReplicatorStatus& status) {
  const auto& uploads = status.uploads;
  const double seconds = uploads.took.sum();
  double more = 0;
  if (seconds > 0 && uploads.bytes > 0) {
    more = static_cast<double>(status.lag_bytes) * seconds / static_cast<double>(uploads.bytes);
  }
  return status.last_put + std::chrono::milliseconds(static_cast<std::int64_t>(more * 1'000));
}

}  // namespace walwrap::control
