// The replicator process: one replicator per database, and the conversation with init.
//
// Runs in a child of init that is forked before any thread exists. Its main thread prepares the
// databases one after the other, then sleeps in epoll: orders from init, and the databases' status
// at most once a second. It ends when init closes the channel.
#pragma once

#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/daemon/api.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replicator.hpp"
#include "walwrap/supervisor/channel.hpp"
#include "walwrap/supervisor/init.hpp"

namespace walwrap::daemon {

// The child's exit code. A bug (Panic) ends it with kExitBug; init starts another one.
int replicate(const std::vector<replication::ReplicatorOptions>& databases, const ApiOptions& api,
              supervisor::Channel channel, supervisor::AtFork at_fork, const os::Clock& clock,
              const Log& log);

inline constexpr int kExitBug = 70;

}  // namespace walwrap::daemon
