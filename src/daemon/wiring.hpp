// From the configuration's words to the options of the modules that do the work.
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

// As seen from the working directory; an empty path stays empty.
os::Path absolute_path(const os::Path& path);
// The database that a client names to a running walwrap: the same path as that one resolved it
// to.
os::Path database_path(const os::Path& path);

// Reads the TOML file that flags and environment name, then decides. The paths of databases are
// resolved here, once: from then on everybody means the file and not a link to it. Errors: Invalid.
Result<config::Config> load_config(const std::vector<config::FlagValue>& flags,
                                   const config::Environment& environment);

// Writes to standard error; borrows the clock.
Log make_log(const config::Config& config, const os::Clock& clock);

// The platform as detected on this machine, with the configured grace.
supervisor::Platform find_platform(const config::Config& config,
                                   const config::Environment& environment);

// Everything but command, environment and replicator. Errors: Invalid (an unknown user, or
// that we may not become).
Result<supervisor::InitOptions> init_options(const config::Config& config,
                                             const config::Environment& environment);
// What the app gets of ours, and where it can ask: WALWRAP_SOCKET. "": nowhere.
std::vector<std::string> app_environment(const config::Config& config,
                                         std::vector<std::string> entries, const os::Path& socket);

// The environment variables of stores: a copy, looked up by name.
storage::LookupFn lookup_in(const config::Environment& environment);
// The file of roots to trust: `given`, or what the names that others use say; "": the system's.
std::string ca_file_of(const std::string& given, const config::Environment& environment);

// One per database. Errors: Invalid (a URL that no store is for, and what to write instead).
Result<std::vector<replication::ReplicatorOptions>> replicator_options(
    const config::Config& config, std::chrono::milliseconds host_start_timeout,
    const config::Environment& environment);

replication::Integrity integrity_of(config::Integrity integrity);

}  // namespace walwrap::daemon
