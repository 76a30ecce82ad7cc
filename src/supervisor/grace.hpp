// How the time between the stop signal and the platform's SIGKILL is divided.
//
// Pure. The app gets what the flush and a margin leave over; a process that still runs when its
// part has passed is killed, because a killed SQLite app loses nothing, but a flush that the
// platform cuts short loses acknowledged commits.
//
//   margin  5 % of the grace, from 0.3 s to 1 s: for scheduling, exit and a throttled CPU
//   flush   1.5 times what the final upload should take, between max(1 s, 15 %) and 60 % of the
//           grace; before anything was uploaded, 30 % and at most 10 s
//   app     the rest
//
// A user who sets the app's part leaves the flush no less than 15 % of the grace.
//
// A grace below two seconds cannot hold these floors; then the margin is at most a third and the
// flush at most 60 % of it.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::supervisor {

// What the replicator's reports say about the next upload.
struct UploadEstimate {
  std::chrono::milliseconds slow_put{0};  // what a slow one of the latest uploads took
  Bytes backlog = 0;                      // committed and not stored
};

// After a report. A slow upload is remembered for about ten reports, which come once a second while
// the app writes.
UploadEstimate update_estimate(const std::optional<UploadEstimate>& before,
                               std::chrono::milliseconds last_put, Bytes backlog);

enum class FlushNeed {
  None,   // nothing is replicated: the app gets all but the margin
  Final,  // a last upload must fit in
};

struct GraceInput {
  std::chrono::milliseconds grace{0};
  FlushNeed need = FlushNeed::Final;
  std::optional<UploadEstimate> estimate;             // nullopt: nothing was uploaded yet
  std::optional<std::chrono::milliseconds> app = {};  // what it shall get; nullopt: the rest
};

struct GraceSplit {
  std::chrono::milliseconds app{0};
  std::chrono::milliseconds flush{0};
  std::chrono::milliseconds margin{0};
};

// The three parts add up to the grace.
GraceSplit split_grace(const GraceInput& input);

// The same as points in time, of a stop or of the end after the app ended by itself.
struct Timeline {
  MonoTime begun;
  MonoTime app_until;
  MonoTime flush_until;   // the replicator's deadline
  MonoTime answer_until;  // how long its answer is awaited: into the margin
  MonoTime end;           // the platform kills
};
Timeline plan_timeline(const GraceInput& input, MonoTime now);
// The earlier of the two in each point; what has begun stays.
Timeline hasten(const Timeline& running, const Timeline& fresh);
// How long a process may take to end after SIGKILL: a second, but at most half of what is left
// for the flush.
MonoTime kill_limit(const Timeline& line, MonoTime now);

}  // namespace walwrap::supervisor
