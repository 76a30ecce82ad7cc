// Turns the configuration into the options of the modules.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/config/config.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/replicator.hpp"
#include "walwrap/storage/aws/s3_location.hpp"
#include "walwrap/supervisor/init.hpp"
#include "walwrap/supervisor/platform.hpp"

namespace walwrap::daemon {

// Relative to the working directory. An empty path stays empty.
os::Path absolute_path(const os::Path& path);
// The database that a client names to a running walwrap: the same path that walwrap resolved.
os::Path database_path(const os::Path& path);

// Reads the TOML file that flags and environment name, then decides. The paths of databases are
// resolved here, once: from then on every module uses the file and not a link to it. Errors:
// Invalid.
Result<config::Config> load_config(const std::vector<config::FlagValue>& flags,
                                   const config::Environment& environment);

// Writes to standard error; borrows the clock.
Log make_log(const config::Config& config, const os::Clock& clock);

// The platform as detected on this machine, with the configured grace.
supervisor::Platform find_platform(const config::Config& config,
                                   const config::Environment& environment);

// Everything except command, environment and replicator. Errors: Invalid (an unknown user, or one
// that walwrap may not become).
Result<supervisor::InitOptions> init_options(const config::Config& config,
                                             const config::Environment& environment);
// The app's environment: walwrap's, and WALWRAP_SOCKET with the path of the socket. "": no socket.
std::vector<std::string> app_environment(const config::Config& config,
                                         std::vector<std::string> entries, const os::Path& socket);

// The environment variables of stores: a copy, looked up by name.
storage::LookupFn lookup_in(const config::Environment& environment);
// The CA file: `given`, or the file that other programs' variables name. "": the system's
// certificates.
std::string ca_file_of(const std::string& given, const config::Environment& environment);

// One per database. Errors: Invalid (a URL of an unknown store, and what to write instead).
Result<std::vector<replication::ReplicatorOptions>> replicator_options(
    const config::Config& config, std::chrono::milliseconds host_start_timeout,
    const config::Environment& environment);

replication::Integrity integrity_of(config::Integrity integrity);

}  // namespace walwrap::daemon
