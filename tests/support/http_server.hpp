// A server of raw sockets on loopback that does what a test says, byte for byte.
//
// Each connection in turn is handed to its own script, on a thread of its own, and closed when the
// script returns; what comes after the last script is closed at once.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "walwrap/os/fd.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::testing {

class HttpServer;

// The server's end of one connection, given to its script.
class ServerEnd {
 public:
  ServerEnd(HttpServer& server, int socket, SSL_CTX* tls);
  ~ServerEnd();
  ServerEnd(const ServerEnd&) = delete;
  ServerEnd& operator=(const ServerEnd&) = delete;

  bool accept_tls() { return ssl_ == nullptr || SSL_accept(ssl_) == 1; }
  // Head and body, as its content-length says; "": the client has closed. The server keeps it too.
  std::string read_request();
  // As many bytes of it as there are by then, and no more are read.
  std::string read_some();
  bool send(std::string_view bytes);  // false: the client is gone
  void reset();                       // a script's last word: RST instead of FIN
  void hold();                        // until HttpServer::release(), or its end

 private:
  bool receive();

  HttpServer& server_;
  int socket_;
  SSL* ssl_ = nullptr;
  std::string unread_;
};

class HttpServer {
 public:
  using Script = std::function<void(ServerEnd&)>;

  explicit HttpServer(std::vector<Script> scripts, SSL_CTX* tls = nullptr);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  std::string url(std::string_view path) const {
    return (tls_ == nullptr ? "http://" : "https://") + authority() + std::string(path);
  }
  // All that read_request() has read, in that order.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }
  void release();
  // Until every connection so far has been closed, by the script or after it.
  void wait_until_closed();

 private:
  friend class ServerEnd;
  void accept_all();

  std::vector<Script> scripts_;
  SSL_CTX* tls_;
  os::Fd listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ = false;
  bool is_released_ = false;
  std::size_t connections_ = 0;
  std::set<int> open_;
  std::vector<std::string> requests_;
  std::vector<os::Thread> threads_;
  os::Thread acceptor_;
};

inline HttpServer::HttpServer(std::vector<Script> scripts, SSL_CTX* tls)
    : scripts_(std::move(scripts)),
      tls_(tls),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (::getenv("no_proxy") == nullptr) ::setenv("no_proxy", "127.0.0.1", 1);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (::bind(listener_.get(), any, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), any, &size) != 0) {
    throw std::runtime_error("no server on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = os::Thread(
      "server", [this] { accept_all(); }, [](std::string_view) { std::abort(); });
}

inline HttpServer::~HttpServer() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  changed_.notify_all();
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (os::Thread& thread : threads_) thread.join();
}

inline void HttpServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0 && errno == EINTR) continue;
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    const std::size_t number = connections_++;
    if (is_stopping_ || number >= scripts_.size()) {
      ::close(socket);
      continue;
    }
    open_.insert(socket);
    // With its signals blocked: OpenSSL writes to clients that have gone.
    threads_.emplace_back(
        "server end",
        [this, socket, number] {
          ServerEnd end(*this, socket, tls_);
          if (end.accept_tls()) scripts_[number](end);
        },
        [](std::string_view) { std::abort(); });
  }
}

inline void HttpServer::release() {
  {
    const std::lock_guard lock(mutex_);
    is_released_ = true;
  }
  changed_.notify_all();
}

inline void HttpServer::wait_until_closed() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return open_.empty(); });
}

inline ServerEnd::ServerEnd(HttpServer& server, int socket, SSL_CTX* tls)
    : server_(server), socket_(socket) {
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, socket);
}

inline ServerEnd::~ServerEnd() {
  SSL_free(ssl_);
  {
    const std::lock_guard lock(server_.mutex_);
    server_.open_.erase(socket_);
    ::close(socket_);
  }
  server_.changed_.notify_all();
}

inline bool ServerEnd::receive() {
  std::array<char, 65536> buffer{};
  const auto got = ssl_ != nullptr ? SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()))
                                   : ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  unread_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

inline std::string ServerEnd::read_request() {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  while (unread_.find(kHeadEnd) == std::string::npos) {
    if (!receive()) return {};
  }
  std::size_t size = unread_.find(kHeadEnd) + kHeadEnd.size();
  std::string head = unread_.substr(0, size);
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto length = head.find(kLength);
  if (length != std::string::npos) size += std::stoul(head.substr(length + kLength.size()));
  while (unread_.size() < size) {
    if (!receive()) return {};
  }
  std::string request = unread_.substr(0, size);
  unread_.erase(0, size);
  const std::lock_guard lock(server_.mutex_);
  server_.requests_.push_back(request);
  return request;
}

inline std::string ServerEnd::read_some() {
  if (unread_.empty()) receive();
  return std::exchange(unread_, {});
}

inline bool ServerEnd::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ssl_ != nullptr
                          ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                          : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

inline void ServerEnd::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

inline void ServerEnd::hold() {
  std::unique_lock lock(server_.mutex_);
  server_.changed_.wait(lock, [&] { return server_.is_released_ || server_.is_stopping_; });
}

// "HTTP/1.1 200 OK" with that body and its length.
inline std::string http_answer(std::string_view body, std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

// A connection on which every request gets the same bytes.
inline HttpServer::Script always(std::string bytes) {
  return [bytes = std::move(bytes)](ServerEnd& end) {
    while (!end.read_request().empty() && end.send(bytes)) {
    }
  };
}

// A connection on which one request is read, those bytes are sent, and that is the end.
inline HttpServer::Script once(std::string bytes) {
  return [bytes = std::move(bytes)](ServerEnd& end) {
    end.read_request();
    end.send(bytes);
  };
}

}  // namespace walwrap::testing
