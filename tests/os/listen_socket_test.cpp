#include "walwrap/os/listen_socket.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace walwrap::os {
namespace {

Fd connect_to(const Path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return Fd();
  return fd;
}

TEST_CASE("an address is a numeric IP address and a port") {
  CHECK(parse_tcp_address("127.0.0.1:9090") == TcpAddress{"127.0.0.1", 9090, true});
  CHECK(parse_tcp_address("127.8.0.1:1") == TcpAddress{"127.8.0.1", 1, true});
  CHECK(parse_tcp_address("[0:0::0:1]:1") == TcpAddress{"0:0::0:1", 1, true});
  CHECK(parse_tcp_address("[::ffff:127.0.0.1]:1")->is_loopback == false);
  CHECK(parse_tcp_address("[::1]:9090") == TcpAddress{"::1", 9090, true});
  CHECK(parse_tcp_address("0.0.0.0:80") == TcpAddress{"0.0.0.0", 80, false});
  CHECK(parse_tcp_address("[::]:80") == TcpAddress{"::", 80, false});
  for (const char* text : {"", ":", ":9090", "9090", "localhost:9090", "::1:9090", "127.0.0.1",
                           "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:-1", "[127.0.0.1:80"}) {
    CHECK_MESSAGE(!parse_tcp_address(text), text);
  }
}

TEST_CASE("a Unix socket is accessible to its owner only, and identifies its clients") {
  const testing::TempDir directory;
  const auto path = directory / "socket";
  auto socket = ListenSocket::open_unix(path, std::nullopt).value();
  CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK_FALSE(socket.take().has_value());
  const Fd client = connect_to(path);
  REQUIRE(client.is_open());
  const auto accepted = socket.take();
  REQUIRE(accepted.has_value());
  CHECK(accepted->user == ::geteuid());
  CHECK(socket.port() == 0);
}

TEST_CASE("a socket left by a crash is replaced, and a file of the user is not") {
  const testing::TempDir directory;
  const auto path = directory / "socket";
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const Fd crashed(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(crashed.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  CHECK(ListenSocket::open_unix(path, std::nullopt));
  const auto file = directory / "notes";
  std::ofstream(file) << "mine";
  const auto refused = ListenSocket::open_unix(file, std::nullopt);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Exists);
  CHECK(std::filesystem::file_size(file) == 4);
}

TEST_CASE("closing a socket removes its name") {
  const testing::TempDir directory;
  const auto path = directory / "socket";
  REQUIRE(ListenSocket::open_unix(path, std::nullopt));
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a socket path that is too long is refused with its limit") {
  const testing::TempDir directory;
  const auto refused = ListenSocket::open_unix(directory / std::string(120, 'x'), std::nullopt);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Invalid);
  CHECK(refused.error().text.find("107") != std::string::npos);
}

TEST_CASE("a TCP address accepts one listener only") {
  auto first = ListenSocket::open_tcp({"127.0.0.1", 0, true}).value();
  REQUIRE(first.port() != 0);
  const auto second = ListenSocket::open_tcp({"127.0.0.1", first.port(), true});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Code::Busy);
}

TEST_CASE("a client that disconnected is detected, and a silent one is kept") {
  const testing::TempDir directory;
  auto socket = ListenSocket::open_unix(directory / "socket", std::nullopt).value();
  Fd client = connect_to(directory / "socket");
  const auto accepted = socket.take().value();
  CHECK_FALSE(has_hung_up(accepted.socket.get()));
  client.reset();
  CHECK(has_hung_up(accepted.socket.get()));
}

TEST_CASE("shutting down a socket ends the connection for the other side") {
  const testing::TempDir directory;
  auto socket = ListenSocket::open_unix(directory / "socket", std::nullopt).value();
  const Fd client = connect_to(directory / "socket");
  const auto accepted = socket.take().value();
  shut_down(accepted.socket.get());
  CHECK(has_hung_up(client.get()));
}

TEST_CASE("the limit of open descriptors is known") {
  CHECK(descriptor_limit() >= 64);
}

}  // namespace
}  // namespace walwrap::os
