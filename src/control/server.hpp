// The API's server: one thread, its connections, and all waits.
//
// libmicrohttpd parses; sockets, limits and waits are ours. A client that hangs or floods costs its
// own connection: nothing here is asked by the threads that replicate, and what is asked of them is
// a number that they read when they look anyway. A waiting connection is no thread: hosts count
// those.
//
// set_subjects(), set_stopping() and the end are for one owning thread; all else happens on the
// server's own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/control/request_handler.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/listen_socket.hpp"

namespace walwrap::control {

struct ServerOptions {
  std::optional<os::ListenSocket> local;    // Unix
  std::optional<os::ListenSocket> network;  // TCP
  DeskOptions handler;                      // `answer` is the server's own
  std::vector<std::uint32_t> users;         // who may connect to the Unix socket; root may always
  // How long a client may take to send a request, to take an answer, or to send the next one.
  std::chrono::milliseconds client_timeout{10'000};
  // Of both listeners, half of them each; and no more than descriptors allow.
  std::size_t most_connections = 10'240;
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                               std::vector<DatabaseHandle> databases,
                                               const os::Clock& clock, const Log& log);
  ~Server();  // waiting clients get an answer

  void set_subjects(std::vector<DatabaseHandle> databases);
  void set_stopping();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace walwrap::control
