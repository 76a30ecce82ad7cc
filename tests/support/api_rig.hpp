// A server of the API on a Unix socket and on loopback, one database that a test plays, and clients
// that speak as rudely as they like.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "tests/support/temp_dir.hpp"
#include "walwrap/control/server.hpp"

namespace walwrap::testing {

class ApiClient {
 public:
  explicit ApiClient(const os::Path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  explicit ApiClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  bool is_connected() const { return connected_; }

  void send(const std::string& bytes) const {
    static_cast<void>(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  void ask(const std::string& method, const std::string& path, const std::string& more = "") const {
    send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n");
  }
  // What there is within `limit`, up to the end of a whole answer; "" if nothing.
  std::string read(int limit_ms = 5'000) const {
    std::string text;
    while (!is_whole(text)) {
      pollfd wanted{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&wanted, 1, limit_ms) <= 0) break;
      char buffer[4096];
      const auto got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  bool is_closed_within(int limit_ms) const {
    pollfd wanted{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    char byte = 0;
    return ::poll(&wanted, 1, limit_ms) > 0 && ::recv(fd_.get(), &byte, 1, 0) <= 0;
  }
  void close() { fd_.reset(); }

 private:
  static bool is_whole(const std::string& text) {
    const auto head = text.find("\r\n\r\n");
    const auto length = text.find("Content-Length: ");
    if (head == std::string::npos || length == std::string::npos) return false;
    return text.size() >= head + 4 + std::stoul(text.substr(length + 16));
  }
  os::Fd fd_;
  bool connected_ = false;
};

inline const Log kQuiet({.now = {}, .sink = {}});

struct ApiRig {
  TempDir directory;
  os::SystemClock clock;
  os::Path path = directory / "api.sock";
  std::unique_ptr<replication::SyncRequests> sync_requests =
      replication::SyncRequests::create().value();
  replication::Progress progress;
  std::uint16_t port = 0;
  std::unique_ptr<control::Server> server;

  explicit ApiRig(const std::function<void(control::ServerOptions&)>& change = {}) {
    control::ServerOptions options;
    options.local.emplace(os::ListenSocket::open_unix(path, std::nullopt).value());
    options.network.emplace(os::ListenSocket::open_tcp({"127.0.0.1", 0, true}).value());
    port = options.network->port();
    options.users = {::geteuid()};
    options.handler.version = "test";
    if (change) change(options);
    progress.attached = true;
    progress.looked = sync_requests->ask_look(replication::SyncRequests::Pace::Usual);
    progress.committed = {{1}, {2}, 1};
    sync_requests->publish(progress);
    server =
        control::Server::start(
            std::move(options),
            {control::DatabaseHandle{.database = directory / "app.db",
                                     .replica = "file:///replica",
                                     .sync_requests = sync_requests.get(),
                                     .status = [] { return replication::ReplicatorStatus{}; }}},
            clock, kQuiet)
            .value();
  }
  // What a capture thread does: looks, and finds `commits`, of which some are stored.
  void look(std::uint64_t commits, std::uint64_t stored) {
    progress.looked = sync_requests->requested().look;
    progress.committed.commits = commits;
    progress.stored = stored;
    sync_requests->publish(progress);
  }
  // Until `count` looks were asked for by clients.
  bool is_asked(std::uint64_t count) const {
    const auto asked = [&] { return sync_requests->requested().look - kOurs >= count; };
    for (int i = 0; i < 500 && !asked(); ++i) os::pause_for(std::chrono::milliseconds(10));
    return asked();
  }
  static constexpr std::uint64_t kOurs = 1;  // look that was asked for at the start
};

}  // namespace walwrap::testing
