#include "walwrap/daemon/api.hpp"

#include <utility>

#include "walwrap/daemon/wiring.hpp"
#include "walwrap/os/process.hpp"
#include "walwrap/replication/replica/state_dir.hpp"

namespace walwrap::daemon {
os::Path api_socket(const config::Config& config) {
  if (config.databases.empty()) return {};
  if (!config.socket.empty()) return absolute_path(config.socket);
  return api_socket_of(config.databases.front().path);
}

os::Path api_socket_of(const os::Path& database) {
  return replication::StateDir::path_for(database_path(database)) / "api.sock";
}

Result<ApiOptions> api_options(const config::Config& config, const supervisor::Platform& platform) {
  ApiOptions options{.socket = api_socket(config),
                     .listen = {},
                     .token = config.listen_token,
                     .max_lag = config.health_max_lag,
                     .platform = platform.name,
                     .grace = platform.grace};
  if (config.listen.empty()) return options;
  options.listen = os::parse_tcp_address(config.listen);
  if (!options.listen) {
    return fail(
        Code::Invalid,
        "--listen {} is not an address; write an IP address and a port, such as 127.0.0.1:9090",
        config.listen);
  }
  if (!options.listen->is_loopback && options.token.reveal().empty()) {
    return fail(Code::Invalid,
                "--listen {} can be reached from other machines; set WALWRAP_LISTEN_TOKEN, which "
                "clients then must send, or listen on 127.0.0.1",
                config.listen);
  }
  return options;
}

Result<void> check_listener(const ApiOptions& options) {
  if (!options.listen) return {};
  TRY(os::ListenSocket::open_tcp(*options.listen).context("--listen"));
  return {};
}

Result<control::ServerOptions> open_api(const ApiOptions& options, const Log& log) {
  control::ServerOptions server;
  server.handler.access.token = options.token;
  server.handler.access.operator_user = os::own_user_id();
  server.handler.self = options.self;
  server.handler.version = WALWRAP_VERSION;
  server.handler.platform = options.platform;
  server.handler.grace = options.grace;
  server.handler.restarts = options.restarts;
  server.handler.max_lag = options.max_lag;
  server.users = {os::own_user_id()};
  if (options.owner) server.users.push_back(options.owner->user);
  auto local = os::ListenSocket::open_unix(options.socket, options.owner);
  if (local) {
    server.local.emplace(*std::move(local));
  } else {
    log.warn("the API has no socket; set --socket to another path",
             {{"cause", local.error().text}});
  }
  if (options.listen) {
    auto network = TRY(os::ListenSocket::open_tcp(*options.listen).context("--listen"));
    server.network.emplace(std::move(network));
  }
  return server;
}

}  // namespace walwrap::daemon
