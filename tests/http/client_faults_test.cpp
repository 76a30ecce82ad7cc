// What a client says when the other side fails it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/http_client.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/text.hpp"
#include "walwrap/http/client.hpp"

using namespace walwrap;
using namespace walwrap::http;
using namespace walwrap::testing;

namespace {

// One answer, then the next request is read and the connection ends: at once, or by RST.
HttpServer::Script dies_at_the_second(bool is_reset) {
  return [is_reset](ServerEnd& end) {
    end.read_request();
    end.send(http_answer("first"));
    end.read_request();
    if (is_reset) end.reset();
  };
}

}  // namespace

TEST_CASE("each kind of server failure has its code") {
  struct Row {
    const char* what;
    HttpServer::Script script;
    Code code;
    std::string text;
  };
  const Row rows[] = {
      {"it closes before it has read", [](ServerEnd&) {}, Code::Unknown, "before an answer"},
      {"it closes before the answer", once(""), Code::Unknown, "before an answer"},
      {"it resets after it has read",
       [](ServerEnd& end) {
         end.read_request();
         end.reset();
       },
       Code::Unknown, "before an answer"},
      {"it resets within the head",
       [](ServerEnd& end) {
         end.read_request();
         end.send("HTTP/1.1 200 OK\r\nContent-");
         end.reset();
       },
       Code::Unknown, "the connection closed"},
      {"it closes within the body", once("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
       Code::Unknown, "after 5 bytes of its body"},
      {"it closes within a chunk",
       once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhello"), Code::Unknown,
       "after 5 bytes of its body"},
      {"it closes between chunks",
       once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), Code::Unknown,
       "after 5 bytes of its body"},
      {"its chunks are none", once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello"),
       Code::Unknown, ""},
      {"it speaks something else", once("SSH-2.0-OpenSSH_9.2p1\r\n"), Code::Corrupt, "not HTTP"},
      {"it sends a bare body", once("hello, this is no head at all\n"), Code::Corrupt, "not HTTP"},
      {"it has no status", once("HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"), Code::Corrupt,
       "not HTTP"},
  };
  for (const Row& row : rows) {
    for (const Method method : {Method::Get, Method::Put}) {
      CAPTURE(row.what);
      CAPTURE(method_name(method));
      HttpServer server({row.script});
      const auto client = new_client();
      const auto response =
          client->perform({.method = method,
                           .url = server.url("/k?X-Amz-Signature=s3cr3t"),
                           .headers = {{"authorization", "s3cr3t"}},
                           .body = as_bytes(method == Method::Put ? "body" : "")});
      REQUIRE_FALSE(response.has_value());
      CHECK(response.error().code == row.code);
      CHECK(has(response.error().text, server.authority() + ": "));
      CHECK(has(response.error().text, row.text));
      CHECK_FALSE(has(response.error().text, "s3cr3t"));
      CHECK(server.connections() == 1);
    }
  }
}

TEST_CASE("a request to a port without a listener was certainly not carried out") {
  std::string authority;
  { authority = HttpServer({}).authority(); }
  const auto client = new_client();
  const auto response =
      client->perform({.method = Method::Put, .url = "http://" + authority + "/k"});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unavailable);
  CHECK(response.error().text == authority + ": cannot connect: Connection refused");
}

TEST_CASE("what the sink took of a body that ended early is kept") {
  HttpServer server({once("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")});
  const auto client = new_client();
  std::string taken;
  Request request{.url = server.url("/k")};
  request.sink = [&](ByteSpan bytes) -> Result<void> {
    taken += as_text(bytes);
    return {};
  };
  const auto response = client->perform(request);
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unknown);
  CHECK(taken == "hello");
}

TEST_CASE("a read on a dead connection is repeated once on a new connection") {
  for (const bool is_reset : {false, true}) {
    for (const Method method : {Method::Get, Method::Head}) {
      CAPTURE(is_reset);
      CAPTURE(method_name(method));
      HttpServer server({dies_at_the_second(is_reset), always(http_answer(""))});
      const auto client = new_client();
      REQUIRE(client->perform({.url = server.url("/first")}).has_value());
      CHECK(client->perform({.method = method, .url = server.url("/second")}).has_value());
      CHECK(server.connections() == 2);
      CHECK(server.requests().size() == 3);
    }
  }
}

TEST_CASE("a write on a dead connection is not repeated without its caller") {
  for (const bool is_reset : {false, true}) {
    for (const Method method : {Method::Put, Method::Post, Method::Delete}) {
      for (const std::string body : {"", "body"}) {
        if (method == Method::Delete && !body.empty()) continue;
        CAPTURE(is_reset);
        CAPTURE(method_name(method));
        CAPTURE(body);
        // The second is the one that libcurl opens to repeat the request, and may not use.
        HttpServer server({dies_at_the_second(is_reset), once(""), always(http_answer(""))});
        const auto client = new_client();
        REQUIRE(client->perform({.url = server.url("/first")}).has_value());
        const auto response = client->perform(
            {.method = method, .url = server.url("/second"), .body = as_bytes(body)});
        REQUIRE_FALSE(response.has_value());
        CHECK(response.error().code == Code::Unknown);
        CHECK(response.error().text ==
              server.authority() + ": the connection closed before an answer");
        CHECK(server.requests().size() == 2);
        CHECK(client->perform({.url = server.url("/third")}).has_value());
      }
    }
  }
}

TEST_CASE("a read is repeated at most once") {
  HttpServer server({dies_at_the_second(false), once(""), always(http_answer("never"))});
  const auto client = new_client();
  REQUIRE(client->perform({.url = server.url("/first")}).has_value());
  const auto response = client->perform({.url = server.url("/second")});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unknown);
  CHECK(server.connections() == 2);
}

TEST_CASE("a request whose answer broke off is not repeated") {
  HttpServer server({[](ServerEnd& end) {
                       end.read_request();
                       end.send(http_answer("first"));
                       end.read_request();
                       end.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
                     },
                     always(http_answer("never"))});
  const auto client = new_client();
  REQUIRE(client->perform({.url = server.url("/first")}).has_value());
  CHECK_FALSE(client->perform({.url = server.url("/second")}).has_value());
  CHECK(server.connections() == 1);
}

TEST_CASE("an idle connection that the server has closed is not used") {
  HttpServer server({once(http_answer("first")), always(http_answer("second"))});
  const auto client = new_client();
  REQUIRE(client->perform({.url = server.url("/first")}).has_value());
  server.wait_until_closed();
  CHECK(client->perform({.method = Method::Put, .url = server.url("/second")}).has_value());
  CHECK(server.connections() == 2);
}

TEST_CASE("an answer that comes before the body was sent counts") {
  const std::string body(4'000'000, 'x');
  HttpServer server({[](ServerEnd& end) {
    end.read_some();
    end.send(http_answer("<Error/>", "403 Forbidden"));
    end.hold();
  }});
  const auto client = new_client();
  const auto response =
      client->perform({.method = Method::Put, .url = server.url("/k"), .body = as_bytes(body)});
  REQUIRE(response.has_value());
  CHECK(response->status == 403);
  CHECK(as_text(response->body) == "<Error/>");
}
