#include "walwrap/client/connection.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <string>

#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unix_server.hpp"

namespace walwrap::client {
namespace {

using testing::TempDir;
using testing::UnixServer;
using How = Done::How;

TimeLimit for_ms(int length) {
  return {mono_now() + milliseconds(length), {}};
}

std::string receive_all(const Connection& connection) {
  std::string text;
  std::array<char, 100> buffer{};
  while (true) {
    const auto got = connection.receive(buffer, for_ms(5'000));
    if (got.how != How::Ok || got.bytes == 0) return text;
    text.append(buffer.data(), got.bytes);
  }
}

TEST_CASE("a connection sends bytes to the server and receives bytes up to its end") {
  const TempDir directory;
  const auto path = directory / "s";
  const UnixServer server(path, {testing::answers("the answer")});
  Connection connection;
  REQUIRE(connection.open(path.c_str(), for_ms(5'000)).how == How::Ok);
  REQUIRE(connection.send("GET / HTTP/1.1\r\n\r\n", for_ms(5'000)).how == How::Ok);
  CHECK(receive_all(connection) == "the answer");
}

TEST_CASE("connecting to a missing or unserved socket fails at once") {
  const TempDir directory;
  const auto path = directory / "s";
  Connection absent;
  const auto none = absent.open(path.c_str(), for_ms(5'000));
  CHECK(none.how == How::Failed);
  CHECK(none.error == ENOENT);
  { const UnixServer ended(path, {}); }
  Connection stale;
  const auto refused = stale.open(path.c_str(), for_ms(5'000));
  CHECK(refused.how == How::Failed);
  CHECK(refused.error == ECONNREFUSED);
}

TEST_CASE("a silent server is waited for only until the time-out") {
  const TempDir directory;
  const auto path = directory / "s";
  const UnixServer server(path, {[](int socket) { testing::read_head(socket); }});
  Connection connection;
  REQUIRE(connection.open(path.c_str(), for_ms(5'000)).how == How::Ok);
  std::array<char, 10> buffer{};
  CHECK(connection.receive(buffer, for_ms(30)).how == How::Late);
}

TEST_CASE("sending to a server that has closed gives an error and no SIGPIPE") {
  const auto said = testing::in_child([]() -> std::string {
    ::signal(SIGPIPE, SIG_DFL);
    const TempDir directory;
    const auto path = directory / "s";
    const UnixServer server(path, {[](int) {}});
    Connection connection;
    if (connection.open(path.c_str(), for_ms(5'000)).how != How::Ok) return "not connected";
    receive_all(connection);
    const auto sent = connection.send(std::string(1'000'000, 'x'), for_ms(5'000));
    return sent.how == How::Failed && sent.error == EPIPE ? "EPIPE" : "sent";
  });
  CHECK(said == "EPIPE");
}

TEST_CASE("a full socket queue is waited for, and a slow server receives everything") {
  const TempDir directory;
  const auto path = directory / "s";
  std::size_t received = 0;
  {
    const UnixServer server(path, {[&](int socket) {
                              std::array<char, 10'000> buffer{};
                              ssize_t got = 0;
                              while ((got = ::recv(socket, buffer.data(), buffer.size(), 0)) > 0) {
                                received += static_cast<std::size_t>(got);
                              }
                            }});
    Connection connection;
    REQUIRE(connection.open(path.c_str(), for_ms(5'000)).how == How::Ok);
    CHECK(connection.send(std::string(3'000'000, 'x'), for_ms(10'000)).how == How::Ok);
  }
  CHECK(received == 3'000'000);
}

TEST_CASE("a descriptor is closed with its connection and on exec") {
  const TempDir directory;
  const auto path = directory / "s";
  const UnixServer server(path, {[](int socket) { testing::read_head(socket); }});
  int descriptor = ::fcntl(0, F_DUPFD_CLOEXEC, 3);  // the lowest that is free
  ::close(descriptor);
  {
    Connection connection;
    REQUIRE(connection.open(path.c_str(), for_ms(5'000)).how == How::Ok);
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(::fcntl(descriptor, F_GETFD) == -1);
}

}  // namespace
}  // namespace walwrap::client
