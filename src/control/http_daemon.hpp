// HTTP/1.1 on accepted connections: libmicrohttpd without its own thread.
//
// Owned by one thread, which calls run() when descriptor() is readable and at next_due(). Limits:
// the number of connections, the size and time of a request, the time of an answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/control/protocol.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/fd.hpp"

struct MHD_Daemon;
struct MHD_Connection;

namespace walwrap::control {

class HttpDaemon {
 public:
  struct Options {
    // For each kind, so that TCP clients cannot take the app's places.
    std::size_t most_of_this_machine = 0;
    std::size_t most_of_network = 0;
    std::chrono::milliseconds client_timeout{0};  // for a request, an answer, the next request
    // The answer. nullopt: the caller calls answer() with that id later, or the library calls
    // `on_gone`.
    std::function<std::optional<Answer>(const Request& request, std::uint64_t id)> on_request;
    std::function<void(std::uint64_t id)> on_gone;
  };
  static Result<std::unique_ptr<HttpDaemon>> create(Options options, const os::Clock& clock);
  ~HttpDaemon();
  HttpDaemon(const HttpDaemon&) = delete;
  HttpDaemon& operator=(const HttpDaemon&) = delete;

  enum class From { ThisMachine, Network };
  // None: new connections are closed. Soon: the longest silent network connection was shut down,
  // and its place is free after the next run(). Leave the new connection in the listener's queue
  // until then.
  enum class Room { Free, Soon, None };
  Room make_room(From from);
  bool has_room(From from) const;
  // A connection over the limit is closed.
  // `user`: of the process at the other end; none: not known.
  void add(os::Fd socket, From from, std::optional<std::uint32_t> user);
  void answer(std::uint64_t id, Answer answer);
  void run();
  int descriptor() const;
  std::optional<MonoTime> next_due() const;
  // Waiting clients that have disconnected. Polled, because no event reports them.
  void drop_the_gone();
  std::size_t connections() const { return connections_.size(); }
  bool has_answers_to_send() const { return unsent_ > 0; }  // of waiting clients

 private:
  struct Exchange;
  struct Connection {
    From from = From::ThisMachine;
    std::optional<std::uint32_t> user;
    std::optional<MonoTime> due;  // nullopt: it waits for this server
    std::uint64_t arrival = 0;
  };
  struct Callbacks;  // of the library, which is C

  HttpDaemon(Options options, const os::Clock& clock);
  Result<void> start();
  int on_call(MHD_Connection* connection, Exchange& exchange, std::size_t* body_bytes);
  Request request_of(MHD_Connection* connection, const Exchange& exchange) const;
  void on_completed(MHD_Connection* connection, Exchange* exchange);
  void set_due(int socket, std::optional<MonoTime> due);
  void forget(int socket);
  void end_the_slow(MonoTime now);

  Options options_;
  const os::Clock& clock_;
  MHD_Daemon* daemon_ = nullptr;
  std::map<int, Connection> connections_;  // by descriptor
  std::set<std::pair<MonoTime, int>> dues_;
  std::size_t from_network_ = 0;
  std::uint64_t last_arrival_ = 0;
  std::map<std::uint64_t, int> silent_;  // network connections without a request yet, by arrival
  std::map<std::uint64_t, Exchange*> waiting_;
  std::uint64_t last_id_ = 0;
  std::size_t unsent_ = 0;
};

}  // namespace walwrap::control
