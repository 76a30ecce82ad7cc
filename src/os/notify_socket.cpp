#include "walwrap/os/notify_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "walwrap/os/error.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

Result<void> send_datagram(std::string_view address, std::string_view text) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const bool is_known = address.starts_with('/') || address.starts_with('@');
  if (!is_known || address.size() >= sizeof name.sun_path) {
    return fail(Code::Unsupported, "{} is not the address of a Unix socket", address);
  }
  std::memcpy(name.sun_path, address.data(), address.size());
  if (address.front() == '@') name.sun_path[0] = '\0';
  // The length counts: what follows an abstract name would belong to it.
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_failure("socket", "", errno);
  const auto sent = ::sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&name), length);
  if (sent >= 0) return {};
  if (errno == EAGAIN) return fail(Code::Unavailable, "{} does not read", address);
  if (errno == ECONNREFUSED) return fail(Code::NotFound, "{} has no listener", address);
  return errno_failure("sendto", address, errno);
}

}  // namespace walwrap::os
