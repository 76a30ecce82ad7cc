// Divides the time between the stop signal and the platform's SIGKILL.
//
// Pure. The app gets what the flush and a margin leave. A process that still runs after its part is
// killed, because a killed SQLite app loses nothing, but a flush that the platform cuts short loses
// acknowledged commits.
//
//   margin  5 % of the grace, from 0.3 s to 1 s: for scheduling, exit and a throttled CPU
//   flush   1.5 times what the final upload should take, between max(1 s, 15 %) and 60 % of the
//           grace; before anything was uploaded, 30 % and at most 10 s
//   app     the rest
//
// A user who sets the app's part leaves the flush no less than 15 % of the grace.
//
// A grace below two seconds is too short for these minimums: then the margin is at most a third and
// the flush at most 60 % of it.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::supervisor {

// What the replicator's reports tell about the next upload.
struct UploadEstimate {
  std::chrono::milliseconds slow_put{0};  // duration of a slow upload among the latest ones
  Bytes backlog = 0;                      // committed and not stored
};

// Call it after a report. A slow upload is remembered for about ten reports, which come once a
// second while the app writes.
UploadEstimate update_estimate(const std::optional<UploadEstimate>& before,
                               std::chrono::milliseconds last_put, Bytes backlog);

enum class FlushNeed {
  None,   // no replication: the app gets everything but the margin
  Final,  // a last upload must fit in
};

struct GraceInput {
  std::chrono::milliseconds grace{0};
  FlushNeed need = FlushNeed::Final;
  std::optional<UploadEstimate> estimate;             // nullopt: nothing was uploaded yet
  std::optional<std::chrono::milliseconds> app = {};  // the configured part; nullopt: the rest
};

struct GraceSplit {
  std::chrono::milliseconds app{0};
  std::chrono::milliseconds flush{0};
  std::chrono::milliseconds margin{0};
};

// The three parts add up to the grace.
GraceSplit split_grace(const GraceInput& input);

// The same as points in time, for a stop or for the end after the app ended by itself.
struct Timeline {
  MonoTime begun;
  MonoTime app_until;
  MonoTime flush_until;   // the replicator's deadline
  MonoTime answer_until;  // how long to wait for its answer: into the margin
  MonoTime end;           // the platform sends SIGKILL
};
Timeline plan_timeline(const GraceInput& input, MonoTime now);
// The earlier of the two at each point. A phase that has begun stays.
Timeline hasten(const Timeline& running, const Timeline& fresh);
// How long a process may take to end after SIGKILL: a second, but at most half of the rest for the
// flush.
MonoTime kill_limit(const Timeline& line, MonoTime now);

}  // namespace walwrap::supervisor
