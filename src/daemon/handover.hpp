// A start whose database has an owner: asks it over its socket to hand the database over.
#pragma once

#include "walwrap/base/result.hpp"
#include "walwrap/control/handover.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/startup/boot_request.hpp"

namespace walwrap::daemon {

// Blocks for a second at most. Mismatch: the owner refuses, or it has the socket open and does not
// answer: why, and what to type.
Result<replication::OwnerAnswer> ask_owner(const os::Path& socket,
                                           const control::Newcomer& newcomer);

// Whether a walwrap answers there. Blocks for a second at most.
bool is_answering(const os::Path& socket);

}  // namespace walwrap::daemon
