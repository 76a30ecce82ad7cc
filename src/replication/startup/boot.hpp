// Goes from a database path and a replica to a chain that can be continued: inspects both, asks
// decide_start(), carries the decision out, and decides nothing itself.
//
// Runs on the replicator's main thread before the app starts; blocks in the store. Nothing of the
// user's is deleted or overwritten: files in the way are renamed to "<db>.walwrap-<reason>-<time>".
#pragma once

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/startup/boot_request.hpp"

namespace walwrap::replication {

// Errors: Mismatch (refused: why, and what to type), Busy (another walwrap has the database, until
// the time-out), Cancelled.
Result<Booted> boot(const BootRequest& request, const os::Clock& clock, const Log& log);

}  // namespace walwrap::replication
