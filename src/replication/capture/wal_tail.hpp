// Whether a WAL has a commit beyond the position that is reported as stored, read from the WAL
// itself.
//
// For a watchdog. It shares only the format's rules with the capture, and neither its open file nor
// the wal-index. So it detects a capture that reads the wrong file or has stopped reading. Any
// thread; no locks are taken, and SQLite holds none on this file.
#pragma once

#include <optional>

#include "walwrap/base/result.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/wal/scanner.hpp"

namespace walwrap::replication {

// `stored`: if it belongs to another generation of the WAL, or is none, the whole WAL is beyond it.
// A WAL that is missing or has no valid header yet holds nothing. At most 64 MiB of a transaction
// are read: a larger first transaction is not found.
Result<bool> holds_commit_beyond(const std::optional<wal::Position>& stored, const os::Path& wal);

}  // namespace walwrap::replication
