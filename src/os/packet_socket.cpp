#include "walwrap/os/packet_socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "walwrap/os/error.hpp"

namespace walwrap::os {

Result<PacketSocket::Pair> PacketSocket::create_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return errno_failure("socketpair", "SOCK_SEQPACKET", errno);
  }
  return Pair{PacketSocket(Fd(ends[0])), PacketSocket(Fd(ends[1]))};
}

Result<void> PacketSocket::send(std::string_view packet) {
  ssize_t sent = -1;
  do {
    sent = ::send(fd_.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM) {
    return fail(Code::Unavailable, "send: the socket's buffer is full");
  }
  if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
    return fail(Code::NotFound, "send: the other end is closed");
  }
  return errno_failure("send", "packet", errno);
}

PacketSocket::Received PacketSocket::receive(std::size_t limit) {
  Received received;
  received.packet.resize(limit);
  ssize_t size = -1;
  do {
    // MSG_TRUNC: the true length, so that a cut packet is noticed.
    size = ::recv(fd_.get(), received.packet.data(), limit, MSG_DONTWAIT | MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
  if (size <= 0 || static_cast<std::size_t>(size) > limit) return {State::Closed, {}};
  received.packet.resize(static_cast<std::size_t>(size));
  received.state = State::Packet;
  return received;
}

}  // namespace walwrap::os
