// Looking up a host's address, where nobody answers. In a network of its own: the test's only name
// server is a socket that is never read.
#include <doctest/doctest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <chrono>
#include <string>

#include "tests/support/files.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "walwrap/http/client.hpp"
#include "walwrap/os/clock.hpp"

using namespace walwrap;
using namespace walwrap::http;
using namespace walwrap::testing;
using namespace std::chrono_literals;

namespace {

bool enter_network_of_its_own(const os::Path& resolv_conf) {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (::mount(resolv_conf.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) != 0)
    return false;
  const os::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{.ifr_ifrn = {.ifrn_name = "lo"}, .ifr_ifru = {.ifru_flags = IFF_UP}};
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) == 0;
}

os::Fd silent_name_server() {
  os::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(53);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    socket.reset();
  }
  return socket;
}

// "code: text" of the error, or what took longer than it should.
std::string ask(const ClientOptions& options) {
  constexpr auto kAtOnce = 2s;  // the system's own limit for a look-up is five seconds or more
  const os::SystemClock clock;
  const MonoTime start = clock.mono();
  auto client = make_client(options).value();
  const auto response = client->perform({.method = Method::Put, .url = "http://store.test/k"});
  if (response) return "an answer";
  if (clock.mono() - start > kAtOnce) return "the request took too long";
  client.reset();
  if (clock.mono() - start > kAtOnce) return "the end of the client took too long";
  return std::string(code_name(response.error().code)) + ": " + response.error().text;
}

}  // namespace

TEST_CASE("a name look-up without an answer is given up, and certainly nothing was sent") {
  const TempDir dir;
  write_text(dir / "resolv.conf", "nameserver 127.0.0.1\n");
  const auto in_silence = [&](const ClientOptions& options) {
    return in_child([&]() -> std::string {
      if (!enter_network_of_its_own(dir / "resolv.conf")) return std::string(kSkipped);
      const os::Fd server = silent_name_server();
      if (!server.is_open()) return std::string(kSkipped);
      return ask(options);
    });
  };
  const std::string late = in_silence({.connect_limit = 50ms});
  if (late == kSkipped) {
    MESSAGE("no network namespaces here");
    return;
  }
  CHECK(late == "unavailable: store.test: no connection within 50ms");
  int asked = 0;
  CHECK(in_silence({.cancelled = [&] { return ++asked > 3; }}) == "cancelled: interrupted");
}
