#include "walwrap/client/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace walwrap::client {
namespace {

// A Unix socket with a full queue gives EAGAIN, and nothing tells when there is room.
constexpr milliseconds kFullQueuePause{10};

Done done_after(Wake wake) {
  switch (wake) {
    case Wake::Ready:
      return {};
    case Wake::Late:
      return {.how = Done::How::Late};
    case Wake::Interrupted:
      return {.how = Done::How::Interrupted};
    case Wake::Failed:
      return {.how = Done::How::Failed, .error = errno};
  }
  return {};
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

Connection::~Connection() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Done Connection::open(const char* path, const TimeLimit& patience) {
  descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) return {.how = Done::How::Failed, .error = errno};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  while (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {.how = Done::How::Failed, .error = errno};
    const auto waited = done_after(patience.pause(kFullQueuePause));
    if (waited.how != Done::How::Ok) return waited;
  }
  return {};
}

Done Connection::send(std::string_view bytes, const TimeLimit& patience) const {
  while (!bytes.empty()) {
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {.how = Done::How::Failed, .error = errno};
    const auto waited = done_after(patience.wait(descriptor_, POLLOUT));
    if (waited.how != Done::How::Ok) return waited;
  }
  return {};
}

Done Connection::receive(std::span<char> buffer, const TimeLimit& patience) const {
  while (true) {
    const auto got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (got >= 0) return {.bytes = static_cast<std::size_t>(got)};
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {.how = Done::How::Failed, .error = errno};
    const auto waited = done_after(patience.wait(descriptor_, POLLIN));
    if (waited.how != Done::How::Ok) return waited;
  }
}

}  // namespace walwrap::client
