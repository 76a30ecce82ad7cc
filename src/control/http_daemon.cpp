#include "walwrap/control/http_daemon.hpp"

#include <microhttpd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "walwrap/os/listen_socket.hpp"

namespace walwrap::control {
namespace {

// For a connection's first request, which any client may send.
constexpr std::chrono::milliseconds kNetworkSilence{3'000};
// The first line and headers of a request, and the headers of an answer: walwrap's paths are short.
constexpr std::size_t kConnectionMemory = 8'192;

int socket_of(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == nullptr ? -1 : info->connect_fd;
}

std::string header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? "" : value;
}

std::string password_of(MHD_Connection* connection) {
  char* password = nullptr;
  char* user = MHD_basic_auth_get_username_password(connection, &password);
  std::string out = password == nullptr ? "" : password;
  MHD_free(user);
  MHD_free(password);
  return out;
}

MHD_Result send(MHD_Connection* connection, const Answer& answer) {
  // The library takes a pointer to bytes that it copies and does not change.
  auto* response = MHD_create_response_from_buffer(
      answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : answer.headers) {
    MHD_add_response_header(response, name.c_str(), value.c_str());
  }
  const auto queued =
      MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace

// One request, from its headers to its answer.
struct HttpDaemon::Exchange {
  std::string method;
  std::string path;
  Bytes body_bytes = 0;
  std::uint64_t id = 0;  // of a waiting request
  MHD_Connection* connection = nullptr;
  std::optional<Answer> answer;
};

struct HttpDaemon::Callbacks {
  static MHD_Result on_call(void* self, MHD_Connection* connection, const char* url,
                            const char* method, const char* /*version*/, const char* /*body*/,
                            std::size_t* body_bytes, void** exchange) {
    if (*exchange == nullptr) {
      auto begun = std::make_unique<Exchange>();
      begun->method = method;
      begun->path = url;
      begun->connection = connection;
      *exchange = begun.release();
      return MHD_YES;
    }
    auto& daemon = *static_cast<HttpDaemon*>(self);
    return daemon.on_call(connection, *static_cast<Exchange*>(*exchange), body_bytes) == 1 ? MHD_YES
                                                                                           : MHD_NO;
  }
  static void on_completed(void* self, MHD_Connection* connection, void** exchange,
                           MHD_RequestTerminationCode /*how*/) {
    static_cast<HttpDaemon*>(self)->on_completed(connection, static_cast<Exchange*>(*exchange));
    *exchange = nullptr;
  }
  static void on_connection(void* self, MHD_Connection* connection, void** /*context*/,
                            MHD_ConnectionNotificationCode what) {
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
      static_cast<HttpDaemon*>(self)->forget(socket_of(connection));
    }
  }
  static MHD_Result on_parameter(void* query, MHD_ValueKind /*kind*/, const char* name,
                                 const char* value) {
    auto& map = *static_cast<std::map<std::string, std::string, std::less<>>*>(query);
    map.insert_or_assign(name, value == nullptr ? "" : value);
    return MHD_YES;
  }
  static void on_log(void* /*self*/, const char* /*format*/, va_list /*values*/) {}
};

Result<std::unique_ptr<HttpDaemon>> HttpDaemon::create(Options options, const os::Clock& clock) {
  std::unique_ptr<HttpDaemon> daemon(new HttpDaemon(std::move(options), clock));
  TRY(daemon->start());
  return daemon;
}

HttpDaemon::HttpDaemon(Options options, const os::Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Result<void> HttpDaemon::start() {
  constexpr unsigned kFlags =
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
  daemon_ = MHD_start_daemon(
      kFlags, 0, nullptr, nullptr, &Callbacks::on_call, this,  //
      MHD_OPTION_EXTERNAL_LOGGER, &Callbacks::on_log, this,    // first: it counts from here on
      MHD_OPTION_CONNECTION_LIMIT,
      static_cast<unsigned>(options_.most_of_this_machine + options_.most_of_network),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,        //
      MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::on_completed, this,  //
      MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::on_connection, this, MHD_OPTION_STRICT_FOR_CLIENT,
      1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
  if (daemon_ == nullptr) return fail(Code::Io, "start the HTTP server: {}", errno);
  return {};
}

HttpDaemon::~HttpDaemon() {
  if (daemon_ == nullptr) return;
  // A suspended connection would keep the library from ending.
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [id, exchange] : waiting) MHD_resume_connection(exchange->connection);
  MHD_stop_daemon(daemon_);
}

bool HttpDaemon::has_room(From from) const {
  return from == From::Network
             ? from_network_ < options_.most_of_network
             : connections_.size() - from_network_ < options_.most_of_this_machine;
}

HttpDaemon::Room HttpDaemon::make_room(From from) {
  if (has_room(from)) return Room::Free;
  if (from == From::ThisMachine || silent_.empty()) return Room::None;
  os::shut_down(silent_.begin()->second);
  silent_.erase(silent_.begin());
  return Room::Soon;
}

void HttpDaemon::add(os::Fd socket, From from, std::optional<std::uint32_t> user) {
  if (!has_room(from)) return;
  const int descriptor = socket.get();
  connections_[descriptor] = {
      .from = from, .user = user, .due = std::nullopt, .arrival = ++last_arrival_};
  auto client_timeout = options_.client_timeout;
  if (from == From::Network) {
    ++from_network_;
    silent_.emplace(last_arrival_, descriptor);
    client_timeout = std::min(client_timeout, kNetworkSilence);
  }
  set_due(descriptor, clock_.mono() + client_timeout);
  sockaddr nobody{};
  nobody.sa_family = AF_UNIX;
  // The library owns the descriptor from here on, and closes it if it refuses it.
  if (MHD_add_connection(daemon_, socket.release(), &nobody, sizeof nobody) != MHD_YES) {
    forget(descriptor);
  }
}

void HttpDaemon::set_due(int socket, std::optional<MonoTime> due) {
  const auto found = connections_.find(socket);
  if (found == connections_.end()) return;
  if (found->second.due) dues_.erase({*found->second.due, socket});
  found->second.due = due;
  if (due) dues_.emplace(*due, socket);
}

void HttpDaemon::forget(int socket) {
  const auto found = connections_.find(socket);
  if (found == connections_.end()) return;
  set_due(socket, std::nullopt);
  silent_.erase(found->second.arrival);
  if (found->second.from == From::Network) --from_network_;
  connections_.erase(found);
}

Request HttpDaemon::request_of(MHD_Connection* connection, const Exchange& exchange) const {
  Request request{.method = exchange.method,
                  .path = exchange.path,
                  .query = {},
                  .body_bytes = exchange.body_bytes,
                  .host = header(connection, MHD_HTTP_HEADER_HOST),
                  .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
                  .fetch_site = header(connection, "Sec-Fetch-Site"),
                  .fetch_mode = header(connection, "Sec-Fetch-Mode"),
                  .fetch_dest = header(connection, "Sec-Fetch-Dest"),
                  .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
                  .password = password_of(connection)};
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &Callbacks::on_parameter,
                            &request.query);
  const auto found = connections_.find(socket_of(connection));
  request.over_network = found == connections_.end() || found->second.from == From::Network;
  if (!request.over_network) request.user = found->second.user;
  return request;
}

// 1: continue, 0: close the connection.
int HttpDaemon::on_call(MHD_Connection* connection, Exchange& exchange, std::size_t* body_bytes) {
  if (*body_bytes > 0) {
    exchange.body_bytes += std::exchange(*body_bytes, 0);
    return exchange.body_bytes > kConnectionMemory ? 0 : 1;
  }
  const int socket = socket_of(connection);
  if (const auto found = connections_.find(socket); found != connections_.end()) {
    silent_.erase(found->second.arrival);
  }
  if (!exchange.answer) {
    const auto id = ++last_id_;
    exchange.answer = options_.on_request(request_of(connection, exchange), id);
    if (!exchange.answer) {
      exchange.id = id;
      waiting_.emplace(id, &exchange);
      set_due(socket, std::nullopt);
      MHD_suspend_connection(connection);
      return 1;
    }
  }
  set_due(socket, clock_.mono() + options_.client_timeout);
  return send(connection, *exchange.answer) == MHD_YES ? 1 : 0;
}

void HttpDaemon::answer(std::uint64_t id, Answer answer) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  Exchange& exchange = *found->second;
  waiting_.erase(found);
  exchange.answer = std::move(answer);
  ++unsent_;
  set_due(socket_of(exchange.connection), clock_.mono() + options_.client_timeout);
  MHD_resume_connection(exchange.connection);
}

void HttpDaemon::on_completed(MHD_Connection* connection, Exchange* exchange) {
  const std::unique_ptr<Exchange> owned(exchange);
  if (owned && owned->id != 0) {
    if (waiting_.erase(owned->id) > 0) {
      options_.on_gone(owned->id);
    } else if (unsent_ > 0) {
      --unsent_;
    }
  }
  set_due(socket_of(connection), clock_.mono() + options_.client_timeout);
}

void HttpDaemon::run() {
  end_the_slow(clock_.mono());
  MHD_run(daemon_);
}

void HttpDaemon::end_the_slow(MonoTime now) {
  while (!dues_.empty() && dues_.begin()->first <= now) {
    const int socket = dues_.begin()->second;
    set_due(socket, std::nullopt);
    os::shut_down(socket);
  }
}

void HttpDaemon::drop_the_gone() {
  std::vector<std::uint64_t> gone;
  for (const auto& [id, exchange] : waiting_) {
    if (os::has_hung_up(socket_of(exchange->connection))) gone.push_back(id);
  }
  for (const std::uint64_t id : gone) {
    options_.on_gone(id);
    answer(id, {});
  }
}

int HttpDaemon::descriptor() const {
  const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  return info == nullptr ? -1 : info->epoll_fd;
}

std::optional<MonoTime> HttpDaemon::next_due() const {
  std::optional<MonoTime> next;
  if (!dues_.empty()) next = dues_.begin()->first;
  MHD_UNSIGNED_LONG_LONG in_ms = 0;
  if (MHD_get_timeout(daemon_, &in_ms) == MHD_YES) {
    const auto wanted = clock_.mono() + std::chrono::milliseconds(in_ms);
    if (!next || wanted < *next) next = wanted;
  }
  return next;
}

}  // namespace walwrap::control
