// What the capture loop logs, and what it lets be known of it. On the capture thread.
#pragma once

#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/replication/capture/database_files.hpp"
#include "walwrap/replication/sync_requests.hpp"
#include "walwrap/replication/upload/job.hpp"

namespace walwrap::replication {

// When it starts, every 30 s with a count; nothing of what another try, which is near, may mend.
void log_capture_failure(const Log& log, const std::string& name, const Error& error,
                         FailureEpisode& episode, MonoTime now);

// A file that the app has open and that has lost its name. Returns what the status says of it.
std::string log_missing_file(const Log& log, const std::string& name, Difference difference);

// What became of the snapshot, as of `txid`, that `ticket` and those before it have asked for.
SnapshotDone log_snapshot(const Log& log, const std::string& name, const answer::Snapshot& made,
                          Txid txid, std::uint64_t ticket, WallTime now);

// Why a database cannot be stored in a replica of another page size, and what to do.
std::string describe_page_sizes(PageSize database, PageSize stored);

}  // namespace walwrap::replication
