#include "walwrap/control/server.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/api_rig.hpp"

namespace walwrap::control {
namespace {

using testing::ApiClient;
using testing::ApiRig;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a wait is answered when the commits of its moment are stored, and not before") {
  ApiRig rig;
  const ApiClient client(rig.path);
  client.ask("POST", "/v1/wait?timeout=20s");
  REQUIRE(rig.is_asked(1));
  rig.look(5, 4);
  const auto early = client.read(100);
  CHECK_MESSAGE(early.empty(), early);
  rig.look(6, 5);
  const auto answer = client.read();
  CHECK(has(answer, "200 OK"));
  CHECK(has(answer, "\"stored\":true,\"position\":\"0000000000000001-0000000000000002-5\""));
}

TEST_CASE("a wait that times out is answered as not stored") {
  ApiRig rig;
  const ApiClient client(rig.path);
  client.ask("POST", "/v1/wait?timeout=100ms");
  CHECK(has(client.read(), "504"));
}

TEST_CASE("a client can wait for its position, but not for one of another file") {
  ApiRig rig;
  const ApiClient client(rig.path);
  client.ask("GET", "/v1/position");
  REQUIRE(rig.is_asked(1));
  rig.look(3, 1);
  const auto given = client.read();
  CHECK(has(given, "\"position\":\"0000000000000001-0000000000000002-3\",\"stored\":false"));
  client.ask("POST", "/v1/wait?position=0000000000000001-0000000000000002-3");
  REQUIRE(rig.is_asked(2));
  rig.look(9, 3);
  CHECK(has(client.read(), "\"stored\":true"));
  client.ask("POST", "/v1/wait?position=0000000000000009-0000000000000002-3");
  CHECK(has(client.read(), "409"));
}

TEST_CASE("a flush asks to store now, and a wait does not") {
  ApiRig rig;
  const ApiClient client(rig.path);
  client.ask("POST", "/v1/wait");
  REQUIRE(rig.is_asked(1));
  CHECK(rig.sync_requests->requested().store_now == 0);
  const ApiClient other(rig.path);
  other.ask("POST", "/v1/flush");
  REQUIRE(rig.is_asked(2));
  CHECK(rig.sync_requests->requested().store_now == rig.sync_requests->requested().look);
}

TEST_CASE("hundreds of clients that wait at one time are all answered") {
  ApiRig rig;
  std::vector<std::unique_ptr<ApiClient>> clients;
  for (int i = 0; i < 400; ++i) {
    clients.push_back(std::make_unique<ApiClient>(rig.path));
    clients.back()->ask("POST", "/v1/wait?timeout=30s");
  }
  REQUIRE(rig.is_asked(400));
  rig.look(7, 7);
  for (const auto& client : clients) REQUIRE(has(client->read(), "\"stored\":true"));
}

TEST_CASE("a client that disconnects while it waits is dropped, and the rest are answered") {
  ApiRig rig;
  ApiClient gone(rig.path);
  gone.ask("POST", "/v1/wait?timeout=30s");
  REQUIRE(rig.is_asked(1));
  const ApiClient client(rig.path);
  client.ask("GET", "/v1/status");
  CHECK(has(client.read(), "\"waits\":1"));
  gone.close();
  bool forgotten = false;
  for (int i = 0; i < 50 && !forgotten; ++i) {
    os::pause_for(std::chrono::milliseconds(100));
    client.ask("GET", "/v1/status");
    forgotten = has(client.read(), "\"waits\":0");
  }
  CHECK(forgotten);
}

TEST_CASE("a stop answers every waiting client") {
  ApiRig rig;
  const ApiClient client(rig.path);
  client.ask("POST", "/v1/wait?timeout=30s");
  REQUIRE(rig.is_asked(1));
  rig.server.reset();
  CHECK(has(client.read(), "503"));
  CHECK_FALSE(std::filesystem::exists(rig.path));
}

TEST_CASE("a stop answers what the final flush stored") {
  ApiRig rig;
  const ApiClient client(rig.path);
  client.ask("POST", "/v1/wait?timeout=30s");
  REQUIRE(rig.is_asked(1));
  rig.progress.looked = rig.sync_requests->requested().look;
  rig.progress.committed.commits = 2;
  rig.progress.stored = 2;
  rig.sync_requests->publish(rig.progress);
  rig.server.reset();
  CHECK(has(client.read(), "\"stored\":true"));
}

TEST_CASE("with several databases a request must name one that is replicated") {
  ApiRig rig;
  rig.server->set_databases(
      {DatabaseHandle{.database = rig.directory / "app.db",
                      .replica = "",
                      .sync_requests = rig.sync_requests.get()},
       DatabaseHandle{
           .database = rig.directory / "other.db", .replica = "", .reason = "it is locked"}});
  const ApiClient client(rig.path);
  std::string answer;
  for (int i = 0; i < 100 && !has(answer, "which-database"); ++i) {
    client.ask("POST", "/v1/wait?timeout=10ms");
    answer = client.read();
  }
  CHECK(has(answer, "app.db, "));
  client.ask("POST", "/v1/wait?db=other.db");
  CHECK(has(client.read(), "it is locked"));
  client.ask("POST", "/v1/wait?db=nothing.db");
  CHECK(has(client.read(), "404"));
  client.ask("POST", "/v1/wait?timeout=10ms&db=app.db");
  CHECK(has(client.read(), "504"));
}

TEST_CASE("a request by another user is refused") {
  ApiRig rig([](ServerOptions& options) { options.users.clear(); });
  const ApiClient client(rig.path);
  client.ask("GET", "/healthz");
  if (::geteuid() == 0) {
    CHECK(has(client.read(), "200 OK"));  // root may always
  } else {
    CHECK(client.read().empty());
  }
}

TEST_CASE("the network listener requires its token, and the socket does not") {
  ApiRig rig(
      [](ServerOptions& options) { options.handler.access.token = Secret(std::string("s3cret")); });
  const ApiClient far(rig.port);
  far.ask("GET", "/healthz");
  CHECK(has(far.read(), "401"));
  far.ask("GET", "/healthz", "Authorization: Bearer s3cret\r\n");
  CHECK(has(far.read(), "200 OK"));
  const ApiClient near(rig.path);
  near.ask("GET", "/healthz");
  CHECK(has(near.read(), "200 OK"));
}

}  // namespace
}  // namespace walwrap::control
