// Messages between init and the replicator: one SOCK_SEQPACKET socketpair, one message a packet.
//
// A packet is a fixed head with big-endian integers, and in reports the text after it. Both ends
// are one binary, forked, so there is no version number. A closed channel is a message too. To init
// it means that the replicator has died. To the replicator it means that init has died, or that the
// start is aborted if no AppStarted came before.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "walwrap/base/flush_outcome.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/packet_socket.hpp"

namespace walwrap::supervisor {

// Replicator -> init.
enum class Report : std::uint8_t {
  Ready,     // every database is attached or decided: the app may start
  Refused,   // with exit code and text; no replication was started
  Position,  // stored TXID and lag, at most every second, only when changed
  Fenced,    // another process writes to this replica: stop the app
  HandOver,  // another walwrap takes over this database, with its text: stop the app
  Drained,   // answer to Flush: no more uploads follow
};
struct ReplicatorReport {
  Report kind = Report::Ready;
  std::int32_t exit_code = 0;                 // Refused
  std::string text;                           // Refused, HandOver, Drained: cut to kMaxText bytes
  Txid txid;                                  // Position, Drained
  Bytes lag_bytes = 0;                        // Position, Drained
  std::chrono::milliseconds last_put{0};      // Position: what one upload took
  FlushOutcome flush = FlushOutcome::Failed;  // Drained
  Fencing fencing = Fencing::NotKnown;        // Position, Drained
};

// Init -> replicator.
enum class Order : std::uint8_t {
  AppStarted,  // with its pid
  Stopping,    // a stop has begun: flush the current commits; deadline of the whole stop
  AppGone,     // the app's main process has ended
  Flush,       // every writer has ended: last capture and upload, until the deadline
};
struct InitOrder {
  Order kind = Order::AppStarted;
  std::int32_t pid = 0;
  MonoTime deadline{};  // on os::Clock::mono, which both processes share
};

inline constexpr std::size_t kMaxText = 4000;

std::string encode(const ReplicatorReport& report);
std::string encode(const InitOrder& order);
Result<ReplicatorReport> parse_report(std::string_view packet);
Result<InitOrder> parse_order(std::string_view packet);

// One end. It does not block: a full buffer is Unavailable (init never waits for the replicator), a
// closed other end NotFound.
class Channel {
 public:
  struct Pair;
  static Result<Pair> create_pair();

  Result<void> send(std::string_view packet) { return socket_.send(packet); }
  using State = os::PacketSocket::State;
  using Received = os::PacketSocket::Received;
  Received receive();
  int descriptor() const { return socket_.descriptor(); }

 private:
  explicit Channel(os::PacketSocket socket) : socket_(std::move(socket)) {}
  os::PacketSocket socket_;
};
struct Channel::Pair {
  Channel init;
  Channel replicator;
};

}  // namespace walwrap::supervisor
