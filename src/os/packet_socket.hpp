// A connected pair of Unix sockets that keep message boundaries (SOCK_SEQPACKET).
//
// Non-blocking and O_CLOEXEC on both ends. A packet arrives whole or not at all. Each end belongs
// to one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {

class PacketSocket {
 public:
  struct Pair;
  static Result<Pair> create_pair();

  // Unavailable: the buffer is full. NotFound: the other end is closed.
  Result<void> send(std::string_view packet);

  enum class State { Empty, Packet, Closed };
  struct Received {
    State state = State::Empty;
    std::string packet;
  };
  // A packet longer than `limit` counts as Closed: the two ends do not speak the same language.
  Received receive(std::size_t limit);

  int descriptor() const { return fd_.get(); }

 private:
  explicit PacketSocket(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};
struct PacketSocket::Pair {
  PacketSocket first;
  PacketSocket second;
};

}  // namespace walwrap::os
