#include "walwrap/daemon/api.hpp"

#include <doctest/doctest.h>

#include "tests/support/api_rig.hpp"

namespace walwrap::daemon {
namespace {

config::Config config() {
  config::Config out;
  out.databases = {{.path = "/data/app.db", .replica = "file:///replica"}};
  out.health_max_lag = std::chrono::seconds(30);
  return out;
}

TEST_CASE("the socket is beside the first database or at the configured path") {
  auto some = config();
  CHECK(api_socket(some) == "/data/.app.db-walwrap/api.sock");
  some.socket = "/run/walwrap.sock";
  CHECK(api_socket(some) == "/run/walwrap.sock");
  CHECK(api_socket({}).empty());
}

TEST_CASE("an address that other machines can reach is refused without a token") {
  auto some = config();
  const auto error_of = [&](const std::string& listen) {
    some.listen = listen;
    const auto options = api_options(some, {});
    return options ? std::string() : options.error().text;
  };
  CHECK(error_of("127.0.0.1:9090").empty());
  CHECK(error_of("[::1]:9090").empty());
  CHECK(error_of("localhost:9090").find("127.0.0.1:9090") != std::string::npos);
  CHECK(error_of("0.0.0.0:9090").find("WALWRAP_LISTEN_TOKEN") != std::string::npos);
  some.listen_token = Secret(std::string("s3cret"));
  CHECK(error_of("0.0.0.0:9090").empty());
}

TEST_CASE("a socket that fails to open is logged, a --listen address that fails is an error") {
  const testing::TempDir directory;
  ApiOptions options{.socket = directory / "nowhere" / "api.sock", .listen = {}, .platform = ""};
  const auto without = open_api(options, testing::kQuiet);
  REQUIRE(without);
  CHECK_FALSE(without->local.has_value());
  const auto taken = os::ListenSocket::open_tcp({"127.0.0.1", 0, true}).value();
  options.listen = os::TcpAddress{"127.0.0.1", taken.port(), true};
  const auto refused = open_api(options, testing::kQuiet);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Busy);
}

}  // namespace
}  // namespace walwrap::daemon
