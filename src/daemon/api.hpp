// The address of the API, for its server and its clients.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/config/config.hpp"
#include "walwrap/control/server.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/listen_socket.hpp"
#include "walwrap/replication/replicator.hpp"
#include "walwrap/supervisor/platform.hpp"

namespace walwrap::daemon {

struct ApiOptions {
  os::Path socket;                       // absolute
  std::optional<os::TcpAddress> listen;  // none: only the socket
  Secret<std::string> token = {};
  std::chrono::milliseconds max_lag{0};
  std::string platform;
  std::chrono::milliseconds grace{0};
  std::uint64_t restarts = 0;               // of the replicator
  control::Owner self = {};                 // as another walwrap sees this one
  std::optional<os::FileOwner> owner = {};  // the app's user; none: walwrap's
};

// The socket path from the configuration, absolute. Empty: there is no database.
os::Path api_socket(const config::Config& config);
// The socket path of a walwrap without --socket.
os::Path api_socket_of(const os::Path& database);

// Errors: Invalid (not an address, or one that requires a token).
Result<ApiOptions> api_options(const config::Config& config, const supervisor::Platform& platform);

// Whether the configured address is free: checked before a start changes anything.
Result<void> check_listener(const ApiOptions& options);

// Opens the listeners. A failure of the socket is only logged. A failure of a configured address is
// an error: Busy and others.
Result<control::ServerOptions> open_api(const ApiOptions& options, const Log& log);

}  // namespace walwrap::daemon
