// Whether a WAL holds a commit beyond what is said to be stored, read from the WAL itself.
//
// For a watchdog: it shares the rules of the format with the capture and nothing else, neither its
// open file nor the wal-index, so that a capture which looks at the wrong file, or no longer looks,
// is found out. Any thread; no locks are taken, and SQLite holds none on this file.
#pragma once

#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

// `stored`: as of another generation of the WAL, or none: all of this one is beyond it. A WAL that
// is absent, or has no valid header yet, holds nothing. Of a transaction, at most 64 MiB are read:
// a larger one that is first in line is not seen.
Result<bool> holds_commit_beyond(const std::optional<wal::Position>& stored, const os::Path& wal);

}  // namespace walwrap::replication
