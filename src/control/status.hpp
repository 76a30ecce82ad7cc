// Everything known at one moment, for /v1/status, /metrics, /healthz and /readyz. Values only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/types.hpp"
#include "walwrap/control/health.hpp"
#include "walwrap/control/history.hpp"
#include "walwrap/replication/mailboxes.hpp"
#include "walwrap/replication/replica/points.hpp"
#include "walwrap/replication/sync_requests.hpp"

namespace walwrap::control {

struct DatabaseStatus {
  std::string path;
  std::string replica;      // URL
  bool replicated = false;  // false: `status` and `progress` are empty, and `why` gives the reason
  std::string reason;
  replication::ReplicatorStatus status;
  replication::Progress progress;
  Health health;
  Bytes wal_bytes = 0;  // size of the -wal file
  Throughput throughput = {};
  std::optional<replication::PointsFound> points = {};  // of the last listing; none: not listed yet
  std::string points_error = {};  // why the last listing failed; "": it did not
};

struct Status {
  std::string version;
  std::string platform;  // "heroku"
  std::chrono::milliseconds grace{0};
  std::uint64_t restarts = 0;  // of the replicator, beside the app
  bool stopping = false;
  std::size_t waits = 0;
  std::vector<DatabaseStatus> databases = {};
};

// The newest known snapshot: made by this process or found by a listing. TXID 0: none.
struct KnownSnapshot {
  Txid txid;
  WallTime stored_at{};
};
KnownSnapshot newest_snapshot(const DatabaseStatus& database);

std::uint64_t commits_behind(const replication::Progress& progress);
// The expected duration of a final upload of what is not stored yet, from the uploads so far.
std::chrono::milliseconds predict_flush(const replication::ReplicatorStatus& status);

}  // namespace walwrap::control
