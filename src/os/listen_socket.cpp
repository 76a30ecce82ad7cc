#include "walwrap/os/listen_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "walwrap/base/decimal.hpp"
#include "walwrap/base/host_name.hpp"
#include "walwrap/os/directory.hpp"
#include "walwrap/os/error.hpp"

namespace walwrap::os {
namespace {

constexpr int kBacklog = 1024;  // of connections that are not accepted yet
constexpr mode_t kOwnersAlone = 0600;
constexpr std::size_t kManyDescriptors = 1'000'000;

union AnyAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un unix_path;
};

// Its length; 0: not an address of that family.
socklen_t fill(AnyAddress& out, const TcpAddress& address) {
  std::memset(&out, 0, sizeof out);
  if (::inet_pton(AF_INET, address.host.c_str(), &out.v4.sin_addr) == 1) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(address.port);
    return sizeof out.v4;
  }
  if (::inet_pton(AF_INET6, address.host.c_str(), &out.v6.sin6_addr) == 1) {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(address.port);
    return sizeof out.v6;
  }
  return 0;
}

// By the one rule for names, which knows each address in its usual spelling.
bool is_loopback(const AnyAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.any.sa_family;
  const void* bytes = &address.v6.sin6_addr;
  if (family == AF_INET) bytes = &address.v4.sin_addr;
  if (::inet_ntop(family, bytes, text.data(), text.size()) == nullptr) return false;
  return is_loopback_host(family == AF_INET ? std::string(text.data())
                                            : fmt::format("[{}]", text.data()));
}

Result<Fd> stream_socket(int family) {
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return errno_failure("socket", "SOCK_STREAM", errno);
  return fd;
}

// Whatever else is there stays.
Result<void> remove_stale_socket(const Path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) {
    return fail(Code::Exists, "{} exists and is not a socket", path.native());
  }
  return remove_file(path);
}

}  // namespace

std::optional<TcpAddress> parse_tcp_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (!in_brackets && host.find(':') != std::string_view::npos) return std::nullopt;
  const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  TcpAddress address{.host = std::string(host), .port = *port};
  AnyAddress bytes;
  if (fill(bytes, address) == 0) return std::nullopt;
  address.is_loopback = is_loopback(bytes);
  return address;
}

Result<ListenSocket> ListenSocket::open_unix(const Path& path,
                                             const std::optional<FileOwner>& owner) {
  AnyAddress address;
  std::memset(&address, 0, sizeof address);
  if (path.native().size() > kLongestSocketPath) {
    return fail(Code::Invalid, "{} is longer than the {} bytes that the path of a socket may have",
                path.native(), kLongestSocketPath);
  }
  address.unix_path.sun_family = AF_UNIX;
  std::memcpy(address.unix_path.sun_path, path.c_str(), path.native().size());
  auto fd = TRY(stream_socket(AF_UNIX));
  TRY(remove_stale_socket(path));
  // The mode of the socket is what bind gives its name, so there is no moment with another one.
  if (::fchmod(fd.get(), kOwnersAlone) != 0) return errno_failure("fchmod", path.native(), errno);
  if (::bind(fd.get(), &address.any, sizeof address.unix_path) != 0) {
    return errno_failure("bind", path.native(), errno);
  }
  ListenSocket socket(std::move(fd), path);
  if (owner) TRY(give_socket(path, *owner));
  if (::listen(socket.descriptor(), kBacklog) != 0) {
    return errno_failure("listen", path.native(), errno);
  }
  return socket;
}

ListenSocket::~ListenSocket() {
  if (fd_.is_open() && !name_.empty()) ignore(remove_file(name_), "the next start replaces it");
}

Result<ListenSocket> ListenSocket::open_tcp(const TcpAddress& address) {
  AnyAddress bytes;
  const socklen_t length = fill(bytes, address);
  if (length == 0) return fail(Code::Invalid, "{} is not an address", address.host);
  auto fd = TRY(stream_socket(bytes.any.sa_family));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto name = fmt::format("{} port {}", address.host, address.port);
  if (::bind(fd.get(), &bytes.any, length) != 0) {
    if (errno == EADDRINUSE) return fail(Code::Busy, "{} is in use", name);
    return errno_failure("bind", name, errno);
  }
  if (::listen(fd.get(), kBacklog) != 0) return errno_failure("listen", name, errno);
  return ListenSocket(std::move(fd), {});
}

std::optional<Accepted> ListenSocket::take() {
  Fd socket(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.is_open()) return std::nullopt;
  Accepted accepted{.socket = std::move(socket), .user = std::nullopt};
  ucred peer{};
  socklen_t length = sizeof peer;
  const int code = ::getsockopt(accepted.socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length);
  // A process of another pid namespace, such as a container, has the pid 0 here.
  constexpr auto kNobody = static_cast<uid_t>(-1);  // over TCP
  if (code == 0 && peer.uid != kNobody) accepted.user = peer.uid;
  return accepted;
}

std::uint16_t ListenSocket::port() const {
  AnyAddress bytes;
  std::memset(&bytes, 0, sizeof bytes);
  socklen_t length = sizeof bytes;
  if (::getsockname(fd_.get(), &bytes.any, &length) != 0) return 0;
  if (bytes.any.sa_family == AF_INET) return ntohs(bytes.v4.sin_port);
  return bytes.any.sa_family == AF_INET6 ? ntohs(bytes.v6.sin6_port) : std::uint16_t{0};
}

bool has_hung_up(int socket) {
  char byte = 0;
  const ssize_t got = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void shut_down(int socket) {
  ::shutdown(socket, SHUT_RDWR);
}

std::size_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return std::min<std::size_t>(limit.rlim_cur, kManyDescriptors);
}

}  // namespace walwrap::os
