#include "walwrap/client/exchange.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/temp_dir.hpp"
#include "tests/support/unix_server.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::client {
namespace {

using testing::answers;
using testing::json_answer;
using testing::TempDir;
using testing::UnixServer;
using ExchangedHow = Exchanged::How;

constexpr Request kWait{.method = "POST", .target = "/v1/wait", .timeout = milliseconds(5'000)};

const std::string kStored = json_answer("{\"stored\":true}");

struct Asked {
  ExchangedHow how;
  std::string body;
};

Asked ask(const os::Path& path, const Request& request = kWait, const Limits& limits = {},
          Progress progress = {}) {
  Answer answer;
  const auto exchanged = exchange(path.c_str(), request, limits, progress, answer);
  return {exchanged.how, std::string(answer.body())};
}

TEST_CASE("a request is repeated once after a connection that broke before the answer") {
  for (const std::string& broken : {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-"),
                                    kStored.substr(0, kStored.size() - 1)}) {
    CAPTURE(broken);
    const TempDir directory;
    const UnixServer server(directory / "s", {answers(broken), answers(kStored)});
    const auto asked = ask(directory / "s");
    CHECK(asked.how == ExchangedHow::Answered);
    CHECK(asked.body == "{\"stored\":true}");
    CHECK(server.connections() == 2);
  }
}

TEST_CASE("a request is not repeated after a second broken connection") {
  const TempDir directory;
  const UnixServer server(directory / "s", {answers(""), answers(""), answers(kStored)});
  CHECK(ask(directory / "s").how == ExchangedHow::Broken);
  CHECK(server.connections() == 2);
}

TEST_CASE("a request that must not be repeated is sent once") {
  const TempDir directory;
  const UnixServer server(directory / "s", {answers(""), answers(kStored)});
  auto snapshot = kWait;
  snapshot.repeat = Repeat::Never;
  CHECK(ask(directory / "s", snapshot).how == ExchangedHow::Broken);
  CHECK(server.connections() == 1);
}

TEST_CASE("the repeated request has only the remaining time") {
  const TempDir directory;
  std::string second;
  {
    const UnixServer server(directory / "s", {[](int socket) {
                                                testing::read_head(socket);
                                                os::pause_for(milliseconds(300));
                                              },
                                              [&](int socket) {
                                                second = testing::read_head(socket);
                                                testing::send_all(socket, kStored);
                                              }});
    CHECK(ask(directory / "s").how == ExchangedHow::Answered);
  }
  CHECK(second.starts_with("POST /v1/wait?timeout=4"));
}

TEST_CASE("a client waits while the server restarts") {
  const TempDir directory;
  { const UnixServer ended(directory / "s", {}); }  // as one that was killed leaves its socket
  std::unique_ptr<UnixServer> restarted;
  const os::Thread replicator(
      "restart",
      [&] {
        os::pause_for(milliseconds(100));
        std::filesystem::remove(directory / "s");
        os::pause_for(milliseconds(100));
        restarted = std::make_unique<UnixServer>(directory / "s", std::vector{answers(kStored)});
      },
      [](std::string_view) {});
  CHECK(ask(directory / "s").how == ExchangedHow::Answered);
}

TEST_CASE("a client gives up on an unserved socket after the time for a restart") {
  const TempDir directory;
  { const UnixServer ended(directory / "s", {}); }
  const auto began = mono_now();
  CHECK(ask(directory / "s", kWait, {.reconnect = milliseconds(200)}).how ==
        ExchangedHow::Unreachable);
  const auto took = mono_now() - began;
  CHECK(took >= milliseconds(150));
  CHECK(took < milliseconds(3'000));
  auto at_once = kWait;
  at_once.timeout = milliseconds(0);
  CHECK(ask(directory / "s", at_once).how == ExchangedHow::Unreachable);
}

TEST_CASE("a client does not wait for a socket that never existed") {
  const TempDir directory;
  const auto began = mono_now();
  CHECK(ask(directory / "none").how == ExchangedHow::Unreachable);
  CHECK(mono_now() - began < milliseconds(1'000));
}

TEST_CASE("a malformed answer is refused and the request is not repeated") {
  const TempDir directory;
  const UnixServer server(directory / "s", {answers("SSH-2.0-x\r\n"), answers(kStored)});
  CHECK(ask(directory / "s").how == ExchangedHow::Malformed);
  CHECK(server.connections() == 1);
}

TEST_CASE("a client gives up on an answer that arrives too slowly") {
  const TempDir directory;
  const UnixServer server(directory / "s", {[](int socket) {
                            testing::read_head(socket);
                            testing::send_all(socket, "HTTP/1.1 200 OK\r\n");
                            for (int i = 0; i < 100; ++i) {
                              testing::send_all(socket, "X: y\r\n");
                              os::pause_for(milliseconds(5));
                            }
                          }});
  auto brief = kWait;
  brief.timeout = milliseconds(20);
  CHECK(ask(directory / "s", brief, {.slack = milliseconds(80)}).how == ExchangedHow::Late);
}

TEST_CASE("the progress handler ends an exchange") {
  const TempDir directory;
  const UnixServer server(directory / "s", {[](int socket) {
                            testing::read_head(socket);
                            char byte = 0;
                            ::recv(socket, &byte, 1, 0);  // until the client has gone
                          }});
  CHECK(ask(directory / "s", kWait, {}, {[](void*) { return 1; }, nullptr}).how ==
        ExchangedHow::Interrupted);
}

TEST_CASE("an answer that comes before the whole request was read counts") {
  const TempDir directory;
  const UnixServer server(directory / "s",
                          {[](int socket) { testing::send_all(socket, kStored); }});
  CHECK(ask(directory / "s").how == ExchangedHow::Answered);
}

}  // namespace
}  // namespace walwrap::client
