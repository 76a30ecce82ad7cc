// A server on a Unix socket that does what a test says, byte for byte: one script per connection,
// in turn. It closes a connection when its script returns.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/os/fd.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::testing {

class UnixServer {
 public:
  using Script = std::function<void(int socket)>;

  UnixServer(const os::Path& path, std::vector<Script> scripts)
      : scripts_(std::move(scripts)), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 16) != 0) {
      std::abort();
    }
    thread_ = os::Thread(
        "unix server", [this] { serve(); }, [](std::string_view) { std::abort(); });
  }
  ~UnixServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

  int connections() const { return connections_; }

 private:
  void serve() {
    for (const Script& script : scripts_) {
      const os::Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket.is_open()) return;
      ++connections_;
      script(socket.get());
    }
  }

  std::vector<Script> scripts_;
  os::Fd listener_;
  std::atomic<int> connections_{0};
  os::Thread thread_;
};

// Up to the end of a request's head; the requests of the API have no body.
inline std::string read_head(int socket) {
  std::string text;
  char byte = 0;
  while (text.find("\r\n\r\n") == std::string::npos && ::recv(socket, &byte, 1, 0) == 1) {
    text += byte;
  }
  return text;
}

inline void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Reads one request, and sends those bytes.
inline UnixServer::Script answers(std::string bytes) {
  return [bytes = std::move(bytes)](int socket) {
    read_head(socket);
    send_all(socket, bytes);
  };
}

inline std::string json_answer(std::string_view body, std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

}  // namespace walwrap::testing
