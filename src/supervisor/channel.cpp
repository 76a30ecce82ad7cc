#include "walwrap/supervisor/channel.hpp"

#include <algorithm>

#include "walwrap/base/bytes.hpp"

namespace walwrap::supervisor {

namespace {

using std::chrono::milliseconds;

// kind, flush, fencing, exit code, txid, lag, last put; then the text.
constexpr std::size_t kReportHeadBytes = 1 + 1 + 1 + 4 + 8 + 8 + 8;
// kind, pid, deadline in nanoseconds.
constexpr std::size_t kOrderBytes = 1 + 4 + 8;

// Writes and reads integers one after another. Signed integers are sent as two's complement.
class Writer {
 public:
  explicit Writer(std::size_t size) : bytes_(size) {}
  void put8(std::uint8_t value) { bytes_[at_++] = static_cast<std::byte>(value); }
  void put32(std::uint32_t value) { store_be32(next(4), value); }
  void put64(std::uint64_t value) { store_be64(next(8), value); }
  std::string text() const { return std::string(as_text(bytes_)); }

 private:
  MutableByteSpan next(std::size_t size) {
    at_ += size;
    return MutableByteSpan(bytes_).subspan(at_ - size, size);
  }
  ByteVector bytes_;
  std::size_t at_ = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view packet) : bytes_(as_bytes(packet)) {}
  std::uint8_t take8() { return std::to_integer<std::uint8_t>(next(1)[0]); }
  std::uint32_t take32() { return load_be32(next(4)); }
  std::uint64_t take64() { return load_be64(next(8)); }

 private:
  ByteSpan next(std::size_t size) {
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  ByteSpan bytes_;
  std::size_t at_ = 0;
};

// At most kMaxText bytes, never ending inside a UTF-8 character.
std::string_view cut(std::string_view text) {
  if (text.size() <= kMaxText) return text;
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::string encode(const ReplicatorReport& report) {
  Writer head(kReportHeadBytes);
  head.put8(static_cast<std::uint8_t>(report.kind));
  head.put8(static_cast<std::uint8_t>(report.flush));
  head.put8(static_cast<std::uint8_t>(report.fencing));
  head.put32(static_cast<std::uint32_t>(report.exit_code));
  head.put64(report.txid.value);
  head.put64(report.lag_bytes);
  head.put64(static_cast<std::uint64_t>(report.last_put.count()));
  return head.text().append(cut(report.text));
}

std::string encode(const InitOrder& order) {
  Writer head(kOrderBytes);
  head.put8(static_cast<std::uint8_t>(order.kind));
  head.put32(static_cast<std::uint32_t>(order.pid));
  head.put64(static_cast<std::uint64_t>(order.deadline.time_since_epoch().count()));
  return head.text();
}

Result<ReplicatorReport> parse_report(std::string_view packet) {
  if (packet.size() < kReportHeadBytes || packet.size() > kReportHeadBytes + kMaxText) {
    return fail(Code::Corrupt, "report of {} bytes", packet.size());
  }
  Reader head(packet);
  const auto kind = head.take8();
  const auto flush = head.take8();
  const auto fencing = head.take8();
  if (kind > static_cast<std::uint8_t>(Report::Drained)) {
    return fail(Code::Corrupt, "report of unknown kind {}", kind);
  }
  if (flush > static_cast<std::uint8_t>(FlushOutcome::Failed)) {
    return fail(Code::Corrupt, "report with unknown flush result {}", flush);
  }
  if (fencing > static_cast<std::uint8_t>(Fencing::Off)) {
    return fail(Code::Corrupt, "report with unknown fencing {}", fencing);
  }
  ReplicatorReport report;
  report.kind = static_cast<Report>(kind);
  report.flush = static_cast<FlushOutcome>(flush);
  report.fencing = static_cast<Fencing>(fencing);
  report.exit_code = static_cast<std::int32_t>(head.take32());
  report.txid = Txid{head.take64()};
  report.lag_bytes = head.take64();
  report.last_put = milliseconds{static_cast<milliseconds::rep>(head.take64())};
  report.text = std::string(packet.substr(kReportHeadBytes));
  return report;
}

Result<InitOrder> parse_order(std::string_view packet) {
  if (packet.size() != kOrderBytes) {
    return fail(Code::Corrupt, "order of {} bytes", packet.size());
  }
  Reader head(packet);
  const auto kind = head.take8();
  if (kind > static_cast<std::uint8_t>(Order::Flush)) {
    return fail(Code::Corrupt, "order of unknown kind {}", kind);
  }
  InitOrder order;
  order.kind = static_cast<Order>(kind);
  order.pid = static_cast<std::int32_t>(head.take32());
  order.deadline =
      MonoTime{std::chrono::nanoseconds{static_cast<std::chrono::nanoseconds::rep>(head.take64())}};
  return order;
}

Result<Channel::Pair> Channel::create_pair() {
  auto sockets = TRY(os::PacketSocket::create_pair().context("create channel"));
  return Pair{Channel(std::move(sockets.first)), Channel(std::move(sockets.second))};
}

Channel::Received Channel::receive() {
  return socket_.receive(kReportHeadBytes + kMaxText);
}

}  // namespace walwrap::supervisor
