// The API's server: one thread with its connections and all waits.
//
// libmicrohttpd parses; sockets, limits and waits are in this module. A client that hangs or floods
// blocks only its own connection: the replicating threads never wait for this one, they only read a
// number at their next look. A waiting connection has no thread, because some platforms limit
// threads.
//
// set_databases(), set_stopping() and the destructor are for one owning thread. Everything else
// runs on the server's own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/control/http_daemon.hpp"
#include "walwrap/control/request_handler.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/listen_socket.hpp"
#include "walwrap/os/poller.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::control {

struct ServerOptions {
  std::optional<os::ListenSocket> local;    // Unix
  std::optional<os::ListenSocket> network;  // TCP
  RequestHandlerOptions handler;            // `answer` is set by the server
  std::vector<std::uint32_t> users;         // who may connect to the Unix socket, besides root
  // How long a client may take to send a request, to read an answer, or to send the next request.
  std::chrono::milliseconds client_timeout{10'000};
  // For both listeners, half of them each, and no more than descriptors allow.
  std::size_t most_connections = 10'240;
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                               std::vector<DatabaseHandle> databases,
                                               const os::Clock& clock, const Log& log);
  ~Server();  // waiting clients get an answer
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void set_databases(std::vector<DatabaseHandle> databases);
  void set_stopping();

 private:
  // Requests of the owner that the server's thread has not taken yet.
  struct Pending {
    std::optional<std::vector<DatabaseHandle>> databases;
    bool stopping = false;
    bool quit = false;
  };

  Server(ServerOptions options, std::vector<DatabaseHandle> databases, const os::Clock& clock,
         const Log& log);
  Result<void> begin();
  void run();
  void take_pending();
  Result<void> follow(std::vector<DatabaseHandle> databases);
  void accept_from(os::ListenSocket& listener, HttpDaemon::From from);
  void trim(MonoTime now);
  void end();
  MonoTime next_wake(MonoTime now) const;

  ServerOptions options_;
  const os::Clock& clock_;
  const Log& log_;
  std::vector<DatabaseHandle> databases_;  // to attach at the start
  os::Published<Pending> pending_;
  std::optional<os::Wakeup> wakeup_;
  os::Thread thread_;

  // For the server's thread only.
  std::optional<os::Poller> poller_;
  std::optional<RequestHandler> handler_;
  std::unique_ptr<HttpDaemon> http_;
  std::size_t crowd_ = 0;  // most connections since memory was released
  MonoTime next_trim_{};
  MonoTime next_gone_check_{};
  bool quit_ = false;
};

}  // namespace walwrap::control
