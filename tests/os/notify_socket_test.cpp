#include "walwrap/os/notify_socket.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/support/temp_dir.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {
namespace {

// Listens on a path, or on "@name".
struct Listener {
  Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};

  explicit Listener(const std::string& address) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    REQUIRE(address.size() < sizeof name.sun_path);
    std::memcpy(name.sun_path, address.data(), address.size());
    if (address.front() == '@') name.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), length) == 0);
  }
  std::string heard() const {
    std::array<char, 256> buffer{};
    const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    return got < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }
};

TEST_CASE("a datagram reaches a listener with a path or an abstract name") {
  const testing::TempDir dir;
  for (const std::string& address :
       {(dir / "notify").string(), fmt::format("@walwrap-test-{}", ::getpid())}) {
    CAPTURE(address);
    const Listener listener(address);
    CHECK(send_datagram(address, "READY=1").has_value());
    CHECK(listener.heard() == "READY=1");
    CHECK(listener.heard() == "nothing");
  }
}

TEST_CASE("sending a notification does not wait for its reader") {
  const testing::TempDir dir;
  const auto path = (dir / "notify").string();
  CHECK(send_datagram(path, "x").error().code == Code::NotFound);
  {
    const Listener listener(path);
    Result<void> sent;
    for (int i = 0; sent && i < 10'000; ++i) sent = send_datagram(path, "x");
    CHECK(sent.error().code == Code::Unavailable);
  }
  CHECK(send_datagram(path, "x").error().code == Code::NotFound);  // its name is left
  for (const std::string& address :
       {std::string(), std::string("vsock:2:1"), "/" + std::string(200, 'x')}) {
    CHECK(send_datagram(address, "x").error().code == Code::Unsupported);
  }
}

}  // namespace
}  // namespace walwrap::os
