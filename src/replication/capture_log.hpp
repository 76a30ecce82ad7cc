// The capture loop's log messages, and what it publishes of them. On the capture thread.
#pragma once

#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/replication/capture/database_files.hpp"
#include "walwrap/replication/sync_requests.hpp"
#include "walwrap/replication/upload/job.hpp"

namespace walwrap::replication {

// Logs a failure when it starts and every 30 s with a count. Failures that the next try may end are
// left out.
void log_capture_failure(const Log& log, const std::string& name, const Error& error,
                         FailureEpisode& episode, MonoTime now);

// The app has a file open that was deleted. Returns the text for the status.
std::string log_missing_file(const Log& log, const std::string& name, Difference difference);

// The result of the snapshot, as of `txid`, for `ticket` and the requests before it.
SnapshotDone log_snapshot(const Log& log, const std::string& name, const answer::Snapshot& made,
                          Txid txid, std::uint64_t ticket, WallTime now);

// Why a replica with another page size cannot store this database, and what to do.
std::string describe_page_sizes(PageSize database, PageSize stored);

}  // namespace walwrap::replication
