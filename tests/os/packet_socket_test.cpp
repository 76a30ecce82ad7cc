#include "walwrap/os/packet_socket.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace walwrap::os {
namespace {

using State = PacketSocket::State;

TEST_CASE("packets arrive complete and in order in both directions") {
  auto pair = PacketSocket::create_pair().value();
  REQUIRE(pair.first.send("one").has_value());
  REQUIRE(pair.first.send(std::string(4'000, 'x')).has_value());
  REQUIRE(pair.second.send("back").has_value());
  CHECK(pair.second.receive(4'096).packet == "one");
  CHECK(pair.second.receive(4'096).packet == std::string(4'000, 'x'));
  CHECK(pair.second.receive(4'096).state == State::Empty);
  CHECK(pair.first.receive(4'096).packet == "back");
}

TEST_CASE("packets sent before the other end was closed are still received") {
  auto pair = PacketSocket::create_pair().value();
  std::optional<PacketSocket> closing(std::move(pair.second));
  REQUIRE(closing->send("last words").has_value());
  closing.reset();
  CHECK(pair.first.receive(100).packet == "last words");
  CHECK(pair.first.receive(100).state == State::Closed);
  const auto sent = pair.first.send("too late");
  REQUIRE_FALSE(sent.has_value());
  CHECK(sent.error().code == Code::NotFound);
}

TEST_CASE("a full packet socket refuses a packet instead of blocking") {
  auto pair = PacketSocket::create_pair().value();
  int accepted = 0;
  while (accepted < 100'000 && pair.first.send(std::string(1'000, 'x')).has_value()) ++accepted;
  REQUIRE(accepted > 0);
  REQUIRE(accepted < 100'000);
  CHECK(pair.first.send("x").error().code == Code::Unavailable);
  CHECK(pair.second.receive(1'000).state == State::Packet);
}

TEST_CASE("a packet longer than the reader allows is refused") {
  auto pair = PacketSocket::create_pair().value();
  REQUIRE(pair.first.send(std::string(101, 'x')).has_value());
  CHECK(pair.second.receive(100).state == State::Closed);
}

}  // namespace
}  // namespace walwrap::os
