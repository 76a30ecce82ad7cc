#include "walwrap/control/http_daemon.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/api_rig.hpp"

namespace walwrap::control {
namespace {

using testing::ApiClient;
using testing::ApiRig;

bool is_well(const ApiRig& rig) {
  const ApiClient client(rig.path);
  client.ask("GET", "/healthz");
  return client.read().find("200 OK") != std::string::npos;
}

TEST_CASE("any bytes from a client are answered or cut off, and the next client is served") {
  ApiRig rig;
  const std::string nul(3, '\0');
  for (const std::string& bytes :
       {std::string("\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET /healthz HTTP/1.1\r\n\r\n"),  // without a host
        std::string("\xff\xfe\xfd\r\n\r\n"), nul + "\r\n\r\n",
        std::string("GET /") + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n",
        std::string("GET / HTTP/1.1\r\nHost: x\r\nX: ") + std::string(20'000, 'b') + "\r\n\r\n",
        std::string("POST /v1/wait HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST /v1/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999"
                    "\r\n\r\n"),
        std::string("POST /v1/wait HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz"
                    "\r\n\r\n"),
        std::string("POST /v1/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n") +
            std::string(30'000, 'c'),
        std::string("GET /v1/status?%zz=%&&=&a HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    const ApiClient client(rig.path);
    client.send(bytes);
    const auto answer = client.read(300);
    CHECK_MESSAGE(answer.find("200 OK") == std::string::npos, bytes.substr(0, 40));
    REQUIRE_MESSAGE(is_well(rig), bytes.substr(0, 40));
  }
}

TEST_CASE("a client that sends its request too slowly is cut off") {
  ApiRig rig(
      [](ServerOptions& options) { options.client_timeout = std::chrono::milliseconds(200); });
  const ApiClient client(rig.path);
  const MonoTime from = rig.clock.mono();
  for (const char byte : std::string("GET /healthz HTTP/1.1\r\nHost: localhost")) {
    client.send(std::string(1, byte));
    if (client.is_closed_within(20)) break;
  }
  CHECK(client.is_closed_within(1'000));
  CHECK(rig.clock.mono() - from < std::chrono::seconds(2));
  CHECK(is_well(rig));
}

TEST_CASE("a silent client is cut off, and a waiting client is not") {
  ApiRig rig(
      [](ServerOptions& options) { options.client_timeout = std::chrono::milliseconds(200); });
  const ApiClient silent(rig.path);
  const ApiClient waiting(rig.path);
  waiting.ask("POST", "/v1/wait?timeout=20s");
  REQUIRE(rig.is_asked(1));
  CHECK(silent.is_closed_within(2'000));
  os::pause_for(std::chrono::milliseconds(400));
  rig.look(2, 2);
  CHECK(waiting.read().find("200 OK") != std::string::npos);
}

TEST_CASE("one connection too many is closed, and a closed connection makes room") {
  ApiRig rig([](ServerOptions& options) { options.most_connections = 6; });
  std::vector<std::unique_ptr<ApiClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<ApiClient>(rig.path));
    clients.back()->ask("POST", "/v1/wait?timeout=30s");
  }
  REQUIRE(rig.is_asked(3));
  {
    const ApiClient fourth(rig.path);
    CHECK(fourth.is_closed_within(2'000));
  }
  rig.look(2, 2);
  for (const auto& client : clients) CHECK(client->read().find("200 OK") != std::string::npos);
  clients.clear();
  bool well = false;
  for (int i = 0; i < 50 && !well; ++i) {
    well = is_well(rig);
    if (!well) os::pause_for(std::chrono::milliseconds(50));
  }
  CHECK(well);
}

TEST_CASE("silent TCP connections never take the app's places, and make room for other clients") {
  constexpr int kMost = 60;
  ApiRig rig([](ServerOptions& options) { options.most_connections = kMost; });
  std::vector<std::unique_ptr<ApiClient>> silent;
  for (int i = 0; i < 3 * kMost; ++i) silent.push_back(std::make_unique<ApiClient>(rig.port));
  for (int i = 0; i < 5; ++i) REQUIRE(is_well(rig));
  // Each at its first try: it waits in the queue until a silent one is gone.
  for (int i = 0; i < 20; ++i) {
    const ApiClient client(rig.port);
    client.ask("GET", "/healthz");
    CHECK(client.read().find("200 OK") != std::string::npos);
  }
}

TEST_CASE("a connection serves a second request, also after a wait") {
  ApiRig rig;
  const ApiClient client(rig.path);
  for (int i = 0; i < 3; ++i) {
    client.ask("GET", "/healthz");
    REQUIRE(client.read().find("200 OK") != std::string::npos);
    client.ask("POST", "/v1/wait?timeout=10ms");
    REQUIRE(client.read().find("504") != std::string::npos);
  }
}

TEST_CASE("pipelined requests are answered in their order") {
  ApiRig rig;
  const ApiClient client(rig.path);
  client.send(
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string both = client.read();
  if (both.find("404") == std::string::npos) both += client.read();
  CHECK(both.find("200 OK") < both.find("404"));
}

}  // namespace
}  // namespace walwrap::control
