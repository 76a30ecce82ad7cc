#include "walwrap/http/client.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/environment.hpp"
#include "tests/support/files.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/thread.hpp"

using namespace walwrap;
using namespace walwrap::http;
using namespace walwrap::testing;

TEST_CASE("a request is sent byte for byte with nothing added") {
  struct Row {
    Request request;
    std::string first_line, fields, body;
  };
  const Row rows[] = {
      {{.method = Method::Get, .url = ""}, "GET / HTTP/1.1", "", ""},
      {{.method = Method::Get,
        .url = "/b/../a/./c//d/%2F%2e%2E?x=%20y&list-type=2&k=",
        .headers = {{"range", "bytes=0-9"}, {"x-empty", ""}}},
       "GET /b/../a/./c//d/%2F%2e%2E?x=%20y&list-type=2&k= HTTP/1.1",
       "range: bytes=0-9\r\nx-empty:\r\n",
       ""},
      {{.method = Method::Get, .url = "?list-type=2"}, "GET /?list-type=2 HTTP/1.1", "", ""},
      {{.method = Method::Get, .url = "/!$'()*+,;=:@&-._~[]{}|^`\"<>\\"},
       "GET /!$'()*+,;=:@&-._~[]{}|^`\"<>\\ HTTP/1.1",
       "",
       ""},
      {{.method = Method::Head, .url = "/k"}, "HEAD /k HTTP/1.1", "", ""},
      {{.method = Method::Put, .url = "/k", .body = as_bytes("hello")},
       "PUT /k HTTP/1.1",
       "Content-Length: 5\r\n",
       "hello"},
      {{.method = Method::Put,
        .url = "/k",
        .headers = {{"content-type", "text/plain"}, {"if-none-match", "*"}}},
       "PUT /k HTTP/1.1",
       "content-type: text/plain\r\nif-none-match: *\r\nContent-Length: 0\r\n",
       ""},
      {{.method = Method::Post, .url = "/k?delete=", .body = as_bytes("<a/>")},
       "POST /k?delete= HTTP/1.1",
       "Content-Length: 4\r\n",
       "<a/>"},
      {{.method = Method::Post, .url = "/k?uploads="},
       "POST /k?uploads= HTTP/1.1",
       "Content-Length: 0\r\n",
       ""},
      {{.method = Method::Delete, .url = "/k"}, "DELETE /k HTTP/1.1", "", ""},
  };
  HttpServer server({always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")});
  const auto client = new_client();
  for (Row row : rows) {
    row.request.url = server.url(row.request.url);
    REQUIRE(client->perform(row.request).has_value());
    CHECK(server.requests().back() == row.first_line + "\r\nHost: " + server.authority() +
                                          "\r\nUser-Agent: walwrap\r\n" + row.fields + "\r\n" +
                                          row.body);
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("the signed Host header is the one that is sent") {
  HttpServer server({always(http_answer(""))});
  const auto client = new_client();
  REQUIRE(client->perform({.url = server.url("/k"), .headers = {{"host", "b.store.example"}}}));
  CHECK(has(server.requests().back(), "\r\nHost: b.store.example\r\n"));
  CHECK_FALSE(has(server.requests().back(), server.authority()));
}

TEST_CASE("a body of many megabytes is unchanged in both directions") {
  std::string body(9'000'001, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i * i % 23);
  HttpServer server({[&](ServerEnd& end) {
    const std::string request = end.read_request();
    end.send(http_answer(request.substr(request.size() - body.size())));
  }});
  const auto client = new_client();
  const auto response = client->perform({.method = Method::Put,
                                         .url = server.url("/k"),
                                         .body = as_bytes(body),
                                         .response_limit = body.size()});
  REQUIRE(response.has_value());
  CHECK((as_text(response->body) == body));  // not worth printing
}

TEST_CASE("a complete answer is a value, whatever its status and its framing") {
  struct Row {
    std::string bytes;
    int status;
    std::string body;
  };
  const Row rows[] = {
      {http_answer("hello"), 200, "hello"},
      {http_answer("", "204 No Content"), 204, ""},
      {"HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {http_answer("<Error/>", "403 Forbidden"), 403, "<Error/>"},
      {http_answer("", "404 Not Found"), 404, ""},
      {http_answer("later", "503 Slow Down"), 503, "later"},
      {"HTTP/1.1 100 Continue\r\n\r\n" + http_answer("hello"), 200, "hello"},
      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http_answer("hello"), 200, "hello"},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n",
       200, "hello world"},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", 200, "until the end"},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"},
      // Never asked for, so never undone.
      {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nx\x1f\x8b\x08", 200,
       "x\x1f\x8b\x08"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    HttpServer server({once(row.bytes)});
    const auto client = new_client();
    const auto response = client->perform({.url = server.url("/k")});
    REQUIRE(response.has_value());
    CHECK(response->status == row.status);
    CHECK(as_text(response->body) == row.body);
    CHECK(response->header("link").empty());
    CHECK(response->header("x-trailer").empty());
  }
}

TEST_CASE("the headers of an answer keep their order and have lower-case names") {
  HttpServer server(
      {once("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nX-Amz-Request-Id:  a b \r\n"
            "Content-Length: 0\r\nX-Two: 1\r\nx-two: 2\r\n\r\n")});
  const auto client = new_client();
  const auto response = client->perform({.url = server.url("/k")});
  REQUIRE(response.has_value());
  const std::vector<HeaderField> expected = {{"etag", "\"1\""},
                                             {"x-amz-request-id", "a b"},
                                             {"content-length", "0"},
                                             {"x-two", "1"},
                                             {"x-two", "2"}};
  CHECK(response->headers == expected);
}

TEST_CASE("the answer to a HEAD request has a length and no body") {
  HttpServer server({always("HTTP/1.1 200 OK\r\nContent-Length: 123456789\r\n\r\n")});
  const auto client = new_client();
  for (int i = 0; i < 2; ++i) {
    const auto response = client->perform({.method = Method::Head, .url = server.url("/k")});
    REQUIRE(response.has_value());
    CHECK(response->header("content-length") == "123456789");
    CHECK(response->body.empty());
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("a redirect is returned as an answer and is not followed") {
  HttpServer other({always(http_answer("secrets"))});
  const auto client = new_client();
  for (const std::string status : {"301 Moved", "302 Found", "307 Temporary", "308 Permanent"}) {
    HttpServer server({once("HTTP/1.1 " + status + "\r\nLocation: " + other.url("/k") +
                            "\r\nContent-Length: 0\r\n\r\n")});
    const auto response = client->perform(
        {.url = server.url("/k"), .headers = {{"authorization", "AWS4-HMAC-SHA256 x"}}});
    REQUIRE(response.has_value());
    CHECK(response->status == std::stoi(status));
    CHECK(response->header("location") == other.url("/k"));
  }
  CHECK(other.connections() == 0);
}

TEST_CASE("one connection carries one request after another until the server closes it") {
  const std::string closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
  HttpServer server({[&](ServerEnd& end) {
                       for (int i = 0; i < 3; ++i) {
                         end.read_request();
                         end.send(http_answer("ok"));
                       }
                       end.read_request();
                       end.send(closing);
                     },
                     always(http_answer("ok"))});
  const auto client = new_client();
  for (const Method method :
       {Method::Put, Method::Get, Method::Delete, Method::Get, Method::Post, Method::Get}) {
    const auto response = client->perform({.method = method, .url = server.url("/k")});
    REQUIRE(response.has_value());
    CHECK(as_text(response->body) == "ok");
  }
  CHECK(server.connections() == 2);
}

TEST_CASE("a connection without permission to stay idle is not used twice") {
  HttpServer server({always(http_answer("ok")), always(http_answer("ok"))});
  const auto client = new_client({.idle_limit = std::chrono::seconds(0)});
  for (int i = 0; i < 2; ++i) REQUIRE(client->perform({.url = server.url("/k")}).has_value());
  CHECK(server.connections() == 2);
}

TEST_CASE("an answer names the address of its server") {
  HttpServer server({always(http_answer("ok"))});
  const auto client = new_client();
  const auto response = client->perform({.url = server.url("/k")});
  REQUIRE(response.has_value());
  CHECK(response->peer.address == server.authority());
  CHECK(response->peer.tls.empty());
}

TEST_CASE("a request that must not be sent is refused before a connection is made") {
  HttpServer server({always(http_answer("ok"))});
  const auto client = new_client();
  const Request refused[] = {
      {.url = "ftp://" + server.authority() + "/k"},
      {.url = server.url("/a b")},
      {.url = server.url("/k"), .headers = {{"x-evil", "1\r\nx-other: 2"}}},
  };
  for (const Request& request : refused) {
    const auto response = client->perform(request);
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == Code::Invalid);
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("a body on a method that sends none causes a panic") {
  const auto client = new_client();
  for (const Method method : {Method::Get, Method::Head, Method::Delete}) {
    const Request request{
        .method = method, .url = "http://127.0.0.1:1/k", .body = as_bytes("body")};
    CHECK_THROWS_AS(ignore(client->perform(request), "it throws"), Panic);
  }
}

TEST_CASE("a request that failed before it had a connection leaves the client usable") {
  HttpServer server({always(http_answer("ok"))});
  const auto client = new_client();
  for (const std::string port : {":99999", ":x"}) {
    const auto response = client->perform({.url = "http://127.0.0.1" + port + "/k"});
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == Code::Invalid);
    CHECK(client->perform({.url = server.url("/k")}).has_value());
  }
}

TEST_CASE("the proxy from the environment is used") {
  HttpServer proxy({always(http_answer("from afar"))});
  const ScopedVariable variable("http_proxy", proxy.url(""));
  const auto client = new_client();
  const auto response = client->perform({.url = "http://store.invalid/k"});
  REQUIRE(response.has_value());
  CHECK(as_text(response->body) == "from afar");
  CHECK(proxy.requests().back().starts_with("GET http://store.invalid/k HTTP/1.1\r\n"));
}

TEST_CASE("a request through a proxy without a connection was certainly not carried out") {
  HttpServer proxy(
      {once("HTTP/1.1 502 Bad Gateway\r\nX-From: proxy\r\nContent-Length: 0\r\n\r\n")});
  const ScopedVariable variable("https_proxy", proxy.url(""));
  const auto client = new_client();
  const auto response = client->perform({.method = Method::Put, .url = "https://store.invalid/k"});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unavailable);
  CHECK(has(response.error().text, "store.invalid: "));
  CHECK(has(response.error().text, "502"));
  CHECK(has(proxy.requests().back(), "CONNECT store.invalid:443 HTTP/1.1\r\n"));
}

TEST_CASE("the body of a success goes to the sink as it arrives, any other body is kept") {
  HttpServer server({[](ServerEnd& end) {
    end.read_request();
    end.send("HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\n\r\n01234");
    end.hold();
    end.send("56789");
    end.read_request();
    end.send(http_answer("<Error/>", "404 Not Found"));
  }});
  const auto client = new_client();
  std::string taken;
  Request request{.url = server.url("/k"), .response_limit = 8};
  request.sink = [&](ByteSpan bytes) -> Result<void> {
    taken += as_text(bytes);
    server.release();  // the rest is sent only now
    return {};
  };
  const auto success = client->perform(request);
  REQUIRE(success.has_value());
  CHECK(success->body.empty());
  CHECK(taken == "0123456789");
  taken.clear();
  const auto failure = client->perform(request);
  REQUIRE(failure.has_value());
  CHECK(as_text(failure->body) == "<Error/>");
  CHECK(taken.empty());
}

TEST_CASE("an error from a sink ends the request and is returned to the caller") {
  HttpServer server({always(http_answer("hello")), always(http_answer("hello"))});
  const auto client = new_client();
  Request request{.url = server.url("/k")};
  request.sink = [](ByteSpan) -> Result<void> { return fail(Code::Io, "disk full"); };
  const auto response = client->perform(request);
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Io);
  CHECK(response.error().text == "disk full");
  CHECK(client->perform({.url = server.url("/k")}).has_value());
}

TEST_CASE("the head of an answer is shown before its body, also when it has none") {
  HttpServer server(
      {always("HTTP/1.1 206 Partial Content\r\nETag: \"x\"\r\n"
              "Content-Length: 0\r\n\r\n")});
  const auto client = new_client();
  std::string etag;
  const auto answer = client->perform(
      {.url = server.url("/k"), .on_head = [&](const Response& head) -> Result<void> {
         etag = head.header("etag");
         return {};
       }});
  REQUIRE(answer.has_value());
  CHECK(etag == "\"x\"");
  const auto ended = client->perform(
      {.url = server.url("/k"), .on_head = [](const Response& head) -> Result<void> {
         return fail(Code::Mismatch, "not a {}", head.status);
       }});
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().text == "not a 206");
}

TEST_CASE("a panic in a callback reaches the caller and leaves the client usable") {
  const auto panicking = [] { panic("file", 1, "bug"); };
  HttpServer server({always(http_answer("hello")), always(http_answer("hello"))});
  SUBCASE("of a sink") {
    const auto client = new_client();
    Request request{.url = server.url("/k")};
    request.sink = [&](ByteSpan) -> Result<void> {
      panicking();
      return {};
    };
    CHECK_THROWS_AS(ignore(client->perform(request), "it throws"), Panic);
    CHECK(client->perform({.url = server.url("/k")}).has_value());
  }
  SUBCASE("of the cancellation function") {
    bool is_bad = true;
    const auto client = new_client({.cancelled = [&] {
      if (is_bad) panicking();
      return false;
    }});
    CHECK_THROWS_AS(ignore(client->perform({.url = server.url("/k")}), "it throws"), Panic);
    is_bad = false;
    CHECK(client->perform({.url = server.url("/k")}).has_value());
  }
}

TEST_CASE("clients on several threads do not affect each other") {
  constexpr int kThreads = 4;
  HttpServer server(std::vector<HttpServer::Script>(kThreads, always(http_answer("ok"))));
  std::array<int, kThreads> answered{};
  {
    std::vector<os::Thread> threads;
    for (int& count : answered) {
      threads.emplace_back(
          "client",
          [&] {
            auto client = make_client({}).value();
            for (int i = 0; i < 20; ++i) {
              if (client->perform({.url = server.url("/k")})) ++count;
            }
          },
          [](std::string_view) {});
    }
  }
  for (const int count : answered) CHECK(count == 20);
  CHECK(server.connections() == kThreads);
}

TEST_CASE("the last address of a host is used when no thread can be started for the look-up") {
  const auto hello = always(http_answer("hello"));
  HttpServer server({hello, hello, hello});
  const TempDir dir;
  write_text(dir / "hosts", "127.0.0.1 store.example\n");
  std::filesystem::permissions(dir / "hosts", std::filesystem::perms{0644});  // any user reads it
  const std::string url = "http://store.example:" + std::to_string(server.port()) + "/k";
  const std::string told = in_child([&]() -> std::string {
    // A name of our own, and a user whom the limit of tasks holds for.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount((dir / "hosts").c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) != 0) {
      return std::string(kSkipped);
    }
    if (::setresuid(54'321, 54'321, 54'321) != 0) return std::string(kSkipped);
    const auto client = make_client({.idle_limit = {}, .address_limit = std::chrono::seconds(2)});
    if (!client) return client.error().text;
    const auto first = (*client)->perform({.url = url});
    if (!first) return first.error().text;
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NPROC, &none) != 0) return "no limit";
    os::pause_for(std::chrono::milliseconds(2'100));  // what was looked up is not used any longer
    std::string started = "no thread";
    os::Thread(
        "probe", [&] { started = "a thread"; }, [](std::string_view /*what*/) {})
        .join();
    for (int i = 0; i < 2; ++i) {
      const auto again = (*client)->perform({.url = url});
      started += again ? ", " + std::string(as_text(again->body)) : again.error().text;
    }
    return started;
  });
  if (told == kSkipped) return;
  CHECK(told == "no thread, hello, hello");
}
