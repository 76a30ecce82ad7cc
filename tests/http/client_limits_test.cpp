// What a client puts up with, and for how long (Law 5).
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/http_client.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/text.hpp"
#include "walwrap/os/clock.hpp"

using namespace walwrap;
using namespace walwrap::http;
using namespace walwrap::testing;
using namespace std::chrono_literals;

namespace {

// Of a limit that is kept, on a machine that is busy; every limit of these tests is far below.
constexpr auto kSoon = 2s;

template <typename Action>
std::chrono::nanoseconds time_of(Action action) {
  const os::SystemClock clock;
  const MonoTime start = clock.mono();
  action();
  return clock.mono() - start;
}

// Listens, but completes no connection: its queue is full.
class BlackHole {
 public:
  BlackHole() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address_);
    socklen_t size = sizeof(address_);
    REQUIRE(::bind(listener_.get(), any, size) == 0);
    REQUIRE(::listen(listener_.get(), 0) == 0);
    REQUIRE(::getsockname(listener_.get(), any, &size) == 0);
    for (int i = 0; i < 4; ++i) {
      waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(waiting_.back().get(), any, size);
    }
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/k";
  }

 private:
  os::Fd listener_;
  sockaddr_in address_{};
  std::vector<os::Fd> waiting_;
};

}  // namespace

TEST_CASE("a connection that times out fails, and its request was certainly not carried out") {
  const BlackHole hole;
  const auto client = new_client({.connect_limit = 30ms});
  const auto response = client->perform({.method = Method::Put, .url = hole.url()});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unavailable);
  CHECK(has(response.error().text, "no connection within 30ms"));
}

TEST_CASE("a TLS handshake that times out fails, and its request was certainly not carried out") {
  HttpServer server({[](ServerEnd& end) { end.hold(); }});
  const auto client = new_client({.connect_limit = 30ms});
  const auto response = client->perform({.url = "https://" + server.authority() + "/k"});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unavailable);
  CHECK(has(response.error().text, "no connection within 30ms"));
}

TEST_CASE("a request has a time limit for its whole duration") {
  HttpServer server({[](ServerEnd& end) {
    end.read_request();
    end.hold();
  }});
  const auto client = new_client();
  const auto response = client->perform({.url = server.url("/k?sig=s3cr3t"), .limit = 150ms});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unknown);
  CHECK(response.error().text == server.authority() + ": no complete answer within 150ms");
}

TEST_CASE("a time limit that has already passed still ends the request") {
  HttpServer server({[](ServerEnd& end) { end.hold(); }});
  const auto client = new_client();
  for (const auto limit : {0ms, -5ms}) {
    CHECK_FALSE(client->perform({.url = server.url("/k"), .limit = limit}).has_value());
  }
}

TEST_CASE("an exchange that is too slow is given up") {
  struct Row {
    const char* what;
    HttpServer::Script script;
    std::size_t body_size;
  };
  const Row rows[] = {
      {"no answer comes",
       [](ServerEnd& end) {
         end.read_request();
         end.hold();
       },
       0},
      {"the answer stops",
       [](ServerEnd& end) {
         end.read_request();
         end.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(4'000, 'x'));
         end.hold();
       },
       0},
      {"the body is not read", [](ServerEnd& end) { end.hold(); }, 16'000'000},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    HttpServer server({row.script});
    const std::string body(row.body_size, 'x');
    const auto client = new_client({.stalled_limit = 50ms});
    const auto response = client->perform(
        {.method = Method::Put, .url = server.url("/k?sig=s3cr3t"), .body = as_bytes(body)});
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == Code::Unknown);
    CHECK(response.error().text == server.authority() + ": less than 1000 bytes a second for 50ms");
  }
}

TEST_CASE("a stop cancels a request at once in every phase") {
  const BlackHole hole;
  HttpServer server({[](ServerEnd& end) { end.hold(); },
                     [](ServerEnd& end) {
                       end.read_request();
                       end.hold();
                     },
                     always(http_answer("ok"))});
  const std::string body(16'000'000, 'x');
  const Request requests[] = {
      {.method = Method::Put, .url = hole.url()},
      {.method = Method::Put, .url = server.url("/sending"), .body = as_bytes(body)},
      {.method = Method::Put, .url = server.url("/waiting"), .body = as_bytes("x")},
  };
  int asked = 0;
  bool is_patient = false;
  const auto client = new_client({.cancelled = [&] { return ++asked > 3 && !is_patient; }});
  for (const Request& request : requests) {
    CAPTURE(request.url);
    asked = 0;
    const auto took = time_of([&] {
      const auto response = client->perform(request);
      REQUIRE_FALSE(response.has_value());
      CHECK(response.error().code == Code::Cancelled);
    });
    CHECK(took < kSoon);
    CHECK(asked == 4);
  }
  is_patient = true;
  CHECK(client->perform({.url = server.url("/after")}).has_value());
}

TEST_CASE("a request checks for cancellation at least ten times a second") {
  HttpServer server({[](ServerEnd& end) {
    end.read_request();
    end.hold();
  }});
  int asked = 0;
  const auto client = new_client({.cancelled = [&] {
    ++asked;
    return false;
  }});
  CHECK_FALSE(client->perform({.url = server.url("/k"), .limit = 350ms}).has_value());
  CHECK(asked >= 4);
  CHECK(asked < 40);  // and not in a busy loop
}

TEST_CASE("a request that is cancelled before it starts sends nothing") {
  HttpServer server({always(http_answer("ok"))});
  const auto client = new_client({.cancelled = [] { return true; }});
  const auto response = client->perform({.url = server.url("/k")});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Cancelled);
  CHECK(server.connections() == 0);
}

TEST_CASE("an answer larger than its limit is not kept") {
  struct Row {
    const char* what;
    std::string bytes;
    bool is_kept;
  };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Row rows[] = {
      {"a body of just the limit", http_answer(std::string(1'000, 'x')), true},
      {"one byte more", http_answer(std::string(1'001, 'x')), false},
      {"a failure's body", http_answer(std::string(1'001, 'x'), "500 Oops"), false},
      {"a body that does not tell its size", "HTTP/1.1 200 OK\r\n\r\n" + std::string(1'001, 'x'),
       false},
      {"chunks of just the limit", chunked + "3e8\r\n" + std::string(1'000, 'x') + "\r\n0\r\n\r\n",
       true},
      {"chunks of more", chunked + "3e9\r\n" + std::string(1'001, 'x') + "\r\n0\r\n\r\n", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    HttpServer server({once(row.bytes)});
    const auto client = new_client();
    const auto response = client->perform({.url = server.url("/k"), .response_limit = 1'000});
    REQUIRE(response.has_value() == row.is_kept);
    if (!response) CHECK(response.error().code == Code::Corrupt);
  }
}

TEST_CASE("a head, a field or interim answers without an end are not kept") {
  for (const std::string part : {"X-A: 1\r\n", "xxxxxxxxxx", "\r\nHTTP/1.1 100 Continue\r\n"}) {
    CAPTURE(part);
    HttpServer server({[&](ServerEnd& end) {
      end.read_request();
      end.send("HTTP/1.1 100 Continue\r\n" + part);
      while (end.send(part)) {
      }
    }});
    const auto client = new_client();
    const auto response = client->perform({.url = server.url("/k")});
    REQUIRE_FALSE(response.has_value());
    // Of a single line libcurl has a limit of its own, and no word.
    const bool is_one_line = part[0] == 'x';
    CHECK(response.error().code == (is_one_line ? Code::Unknown : Code::Corrupt));
  }
}

TEST_CASE("a sink has no limit except its own") {
  HttpServer server({once(http_answer(std::string(100'000, 'x')))});
  const auto client = new_client();
  std::size_t taken = 0;
  Request request{.url = server.url("/k"), .response_limit = 10};
  request.sink = [&](ByteSpan bytes) -> Result<void> {
    taken += bytes.size();
    return {};
  };
  CHECK(client->perform(request).has_value());
  CHECK(taken == 100'000);
}
