// Sockets for clients to connect to: a Unix socket that only its owner can use, or a TCP address.
//
// Non-blocking and O_CLOEXEC, those that are accepted, too. Owned by one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "walwrap/base/result.hpp"
#include "walwrap/os/fd.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {

// What the kernel takes as the path of a Unix socket.
inline constexpr std::size_t kLongestSocketPath = 107;

// "127.0.0.1:9090", "[::1]:9090", "0.0.0.0:80": numbers, no names. Invalid: none of these.
struct TcpAddress {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  bool is_loopback = false;
  bool operator==(const TcpAddress&) const = default;
};
std::optional<TcpAddress> parse_tcp_address(std::string_view text);

struct Accepted {
  Fd socket;
  std::optional<std::uint32_t> user;  // of the process that connected; none over TCP
};

class ListenSocket {
 public:
  // Mode 0600 from its first moment. An old socket there is replaced, anything else is kept:
  // Exists. Invalid: the path is too long. The name is removed with the object.
  static Result<ListenSocket> open_unix(const Path& path, const std::optional<FileOwner>& owner);
  ListenSocket(ListenSocket&& other) noexcept = default;
  ListenSocket& operator=(ListenSocket&& other) noexcept = delete;
  ~ListenSocket();
  // Busy: another process listens there.
  static Result<ListenSocket> open_tcp(const TcpAddress& address);

  // nullopt: no client waits, or it has disconnected.
  std::optional<Accepted> take();
  int descriptor() const { return fd_.get(); }
  std::uint16_t port() const;  // useful after port 0; 0 for a Unix socket

 private:
  ListenSocket(Fd fd, Path name) : fd_(std::move(fd)), name_(std::move(name)) {}
  Fd fd_;
  Path name_;  // "": TCP
};

// The other end has closed; what it sent before has been read.
bool has_hung_up(int socket);
// Ends it in both directions; the descriptor stays its owner's.
void shut_down(int socket);
// Descriptors that this process may have open, or a limit that no setting of walwrap reaches.
std::size_t descriptor_limit();

}  // namespace walwrap::os
