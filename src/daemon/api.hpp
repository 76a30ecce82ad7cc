// Where the API is, for those who serve it and those who ask it.
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
  std::optional<os::TcpAddress> listen;  // none: the socket alone
  Secret<std::string> token = {};
  std::chrono::milliseconds max_lag{0};
  std::string host;
  std::chrono::milliseconds grace{0};
  std::uint64_t restarts = 0;               // of the replicator
  std::optional<os::FileOwner> owner = {};  // the app's user; none: ours
};

// The socket that the configuration leads to, absolute; empty: there is no database.
os::Path api_socket(const config::Config& config);
// Of a walwrap without --socket.
os::Path api_socket_of(const os::Path& database);

// Errors: Invalid (not an address, or one that requires a token).
Result<ApiOptions> api_options(const config::Config& config, const supervisor::Platform& host);

// Whether the address that was asked for can be had: known before a start changes anything.
Result<void> check_listener(const ApiOptions& options);

// Opens what clients connect to. A socket that cannot be opened is logged only; an address
// that was asked for is not: Busy and others.
Result<control::ServerOptions> open_api(const ApiOptions& options, const Log& log);

}  // namespace walwrap::daemon
