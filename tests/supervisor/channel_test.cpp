#include "walwrap/supervisor/channel.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a report arrives unchanged, whatever its kind and values") {
  for (const auto kind : {Report::Ready, Report::Refused, Report::Position, Report::Fenced,
                          Report::HandOver, Report::Drained}) {
    ReplicatorReport report;
    report.kind = kind;
    report.exit_code = -125;
    report.text = "the replica vanished: type --allow-empty-replica\n";
    report.txid = Txid{std::numeric_limits<std::uint64_t>::max()};
    report.lag_bytes = 1ULL << 63;
    report.last_put = 86'400'000ms;
    report.flush = FlushOutcome::Partial;
    report.fencing = Fencing::Off;
    const auto parsed = parse_report(encode(report)).value();
    CHECK(parsed.kind == report.kind);
    CHECK(parsed.exit_code == report.exit_code);
    CHECK(parsed.text == report.text);
    CHECK(parsed.txid == report.txid);
    CHECK(parsed.lag_bytes == report.lag_bytes);
    CHECK(parsed.last_put == report.last_put);
    CHECK(parsed.flush == report.flush);
    CHECK(parsed.fencing == report.fencing);
  }
}

TEST_CASE("an order arrives unchanged, whatever its kind and values") {
  for (const auto kind : {Order::AppStarted, Order::Stopping, Order::AppGone, Order::Flush}) {
    const InitOrder order{.kind = kind, .pid = 4'194'304, .deadline = MonoTime{123'456'789'012ns}};
    const auto parsed = parse_order(encode(order)).value();
    CHECK(parsed.kind == order.kind);
    CHECK(parsed.pid == order.pid);
    CHECK(parsed.deadline == order.deadline);
  }
}

TEST_CASE("a text too long for a packet is cut between characters") {
  ReplicatorReport report;
  report.text = std::string(kMaxText - 1, 'a') + "\xc3\xa4 and more";
  const auto parsed = parse_report(encode(report)).value();
  CHECK(parsed.text == std::string(kMaxText - 1, 'a'));
  report.text = std::string(kMaxText, 'b');
  CHECK(parse_report(encode(report)).value().text.size() == kMaxText);
}

TEST_CASE("a packet that is not a message is refused") {
  const auto report = encode(ReplicatorReport{});
  CHECK_FALSE(parse_report("").has_value());
  CHECK_FALSE(parse_report(report.substr(1)).has_value());
  CHECK_FALSE(parse_report(report + std::string(kMaxText + 1, 'x')).has_value());
  auto unknown = report;
  unknown[0] = 6;
  CHECK_FALSE(parse_report(unknown).has_value());
  unknown = report;
  unknown[1] = 4;
  CHECK_FALSE(parse_report(unknown).has_value());

  const auto order = encode(InitOrder{});
  CHECK_FALSE(parse_order("").has_value());
  CHECK_FALSE(parse_order(order + "x").has_value());
  auto unknown_order = order;
  unknown_order[0] = 4;
  CHECK_FALSE(parse_order(unknown_order).has_value());
}

TEST_CASE("the longest report passes through a channel") {
  auto ends = Channel::create_pair().value();
  ReplicatorReport report;
  report.text = std::string(2 * kMaxText, 'x');
  REQUIRE(ends.replicator.send(encode(report)).has_value());
  const auto received = ends.init.receive();
  REQUIRE(received.state == Channel::State::Packet);
  CHECK(parse_report(received.packet).value().text.size() == kMaxText);
  CHECK(ends.init.receive().state == Channel::State::Empty);
}

TEST_CASE("a closed channel is reported to the other end") {
  auto ends = Channel::create_pair().value();
  std::optional<Channel> replicator(std::move(ends.replicator));
  REQUIRE(replicator->send(encode(ReplicatorReport{})).has_value());
  replicator.reset();
  CHECK(ends.init.receive().state == Channel::State::Packet);
  CHECK(ends.init.receive().state == Channel::State::Closed);
}

}  // namespace
}  // namespace walwrap::supervisor
