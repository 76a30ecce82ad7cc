#include "walwrap/control/protocol.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

Request request(std::string method, std::string path,
                std::map<std::string, std::string, std::less<>> query = {}) {
  Request out;
  out.method = std::move(method);
  out.path = std::move(path);
  out.query = std::move(query);
  return out;
}

Answer refusal(const Request& asked, const Access& access = {}) {
  const auto parsed = parse_call(asked, access);
  REQUIRE(std::holds_alternative<Answer>(parsed));
  return std::get<Answer>(parsed);
}
Call call(const Request& asked, const Access& access = {}) {
  const auto parsed = parse_call(asked, access);
  REQUIRE(std::holds_alternative<Call>(parsed));
  return std::get<Call>(parsed);
}
bool is_in(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("each path accepts its method, and HEAD where GET is accepted") {
  CHECK(call(request("GET", "/v1/status")).endpoint == Endpoint::Status);
  CHECK(call(request("GET", "/v1/position")).endpoint == Endpoint::Position);
  CHECK(call(request("POST", "/v1/wait")).endpoint == Endpoint::Wait);
  CHECK(call(request("POST", "/v1/flush")).endpoint == Endpoint::Flush);
  CHECK(call(request("HEAD", "/metrics")).endpoint == Endpoint::Metrics);
  CHECK(call(request("GET", "/healthz")).endpoint == Endpoint::Healthz);
  CHECK(call(request("GET", "/readyz")).endpoint == Endpoint::Readyz);
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "post", ""}) {
    const auto answer = refusal(request(method, "/v1/wait"));
    CHECK_MESSAGE(answer.status == 405, method);
    CHECK(answer.headers.at("Allow") == "POST");
  }
}

TEST_CASE("an unknown path is answered with 404") {
  for (const char* path : {"", "/v1", "/v1/", "/v1/wait/", "/v2/status", "/V1/status",
                           "/v1/../metrics", "//metrics"}) {
    CHECK_MESSAGE(refusal(request("GET", path)).status == 404, path);
  }
}

TEST_CASE("only a path's own parameters are accepted, and a wrong one is named") {
  const auto wait = call(request("POST", "/v1/wait",
                                 {{"db", "app.db"},
                                  {"timeout", "250ms"},
                                  {"position", "000000000000001f-00000000000000aa-7"}}));
  CHECK(wait.database == "app.db");
  CHECK(wait.timeout == std::chrono::milliseconds(250));
  CHECK(wait.position->commits == 7);
  CHECK(call(request("POST", "/v1/wait")).timeout == std::chrono::seconds(30));
  const auto wrong = [](const char* name, const char* value) {
    return refusal(request("POST", "/v1/wait", {{name, value}}));
  };
  CHECK(wrong("timeout", "soon").status == 400);
  CHECK(is_in(wrong("timeout", "11m").body, "longer than 10m"));
  CHECK(is_in(wrong("position", "7").body, "GET /v1/position"));
  CHECK(is_in(wrong("tiemout", "1s").body, "takes db position timeout"));
  CHECK(refusal(request("GET", "/v1/status", {{"db", "x"}})).status == 400);
}

TEST_CASE("only root and walwrap's own user may ask for a hand-over, on the Unix socket") {
  auto asked = request("POST", "/v1/handover",
                       {{"id", "00000000000000ff"}, {"command", "./app"}, {"take-over", "true"}});
  const Access access{.token = {}, .operator_user = 1000};
  const auto status = [&] {
    const auto parsed = parse_call(asked, access);
    return std::holds_alternative<Answer>(parsed) ? std::get<Answer>(parsed).status : 200;
  };
  CHECK(status() == 403);  // it is not known who asks
  asked.user = 1001;
  CHECK(status() == 403);
  asked.user = 0;
  CHECK(status() == 200);
  asked.user = 1000;
  REQUIRE(status() == 200);
  const auto newcomer = call(asked, access).newcomer;
  CHECK(newcomer.command.id == 0xff);
  CHECK(newcomer.command.text == "./app");
  CHECK(newcomer.takes_over);
  asked.over_network = true;
  CHECK(status() == 403);
  asked.over_network = false;
  asked.query["id"] = "ff";
  CHECK(status() == 400);
  asked.query = {{"take-over", "yes"}};
  CHECK(status() == 400);
}

TEST_CASE("a body is refused, and a target that is not UTF-8 gets an answer in UTF-8") {
  auto with_body = request("POST", "/v1/wait");
  with_body.body_bytes = 1;
  CHECK(refusal(with_body).status == 413);
  CHECK(
      is_in(refusal(request("POST", "/v1/wait", {{"timeout", "\xff\xfe"}})).body, "\xef\xbf\xbd"));
}

TEST_CASE("errors are problem details") {
  const auto answer = refusal(request("GET", "/nothing"));
  CHECK(answer.content_type == "application/problem+json");
  CHECK(answer.body ==
        "{\"type\":\"/problems/not-found\",\"title\":\"Unknown path\",\"status\":404,"
        "\"detail\":\"docs/api.md lists the paths\"}\n");
}

TEST_CASE("over the network the configured token is required and must match") {
  auto asked = request("GET", "/metrics");
  asked.over_network = true;
  const Access access{.token = Secret(std::string("s3cret"))};
  for (const char* given : {"", "s3cret", "Bearer ", "Bearer s3cre", "Bearer s3crets",
                            "Bearer S3cret", "bearer s3cret", "Basic s3cret"}) {
    asked.authorization = given;
    CHECK_MESSAGE(refusal(asked, access).status == 401, given);
  }
  asked.authorization = "Bearer s3cret";
  CHECK(call(asked, access).endpoint == Endpoint::Metrics);
  asked.authorization.clear();
  asked.over_network = false;  // the socket's mode has let them in
  CHECK(call(asked, access).endpoint == Endpoint::Metrics);
}

TEST_CASE("without a token the network listener answers only to names of this machine") {
  auto asked = request("GET", "/metrics");
  asked.over_network = true;
  for (const char* host :
       {"127.0.0.1:9090", "localhost:9090", "localhost", "[::1]:9090", "127.0.0.1"}) {
    asked.host = host;
    CHECK_MESSAGE(std::holds_alternative<Call>(parse_call(asked, {})), host);
  }
  for (const char* host :
       {"", "evil.example", "evil.example:9090", "localhost.evil.example", "[::2]:9090",
        "127.attacker.example:9090", "127.0.0.1.x", "127.0.0.1.x:9090", "[::1].x", "[::1].x:9090",
        "127.", "127.1:9090", "localhost:", "localhost:9090:9090", "localhost:x", "x@127.0.0.1",
        "127.0.0.1:99999", "localhost/", "[::1]9090"}) {
    asked.host = host;
    CHECK_MESSAGE(refusal(asked).status == 403, host);
  }
}

TEST_CASE("a page of another origin cannot call the API, and the dashboard can") {
  auto asked = request("POST", "/v1/snapshot");
  asked.over_network = true;
  asked.host = "127.0.0.1:9090";
  asked.password = "s3cret";
  const Access access{.token = Secret(std::string("s3cret"))};
  for (const char* origin :
       {"https://evil.example", "null", "http://127.0.0.1:80", "http://127.0.0.1"}) {
    asked.origin = origin;
    CHECK_MESSAGE(refusal(asked, access).status == 403, origin);
  }
  for (const char* origin : {"", "http://127.0.0.1:9090"}) {
    asked.origin = origin;
    CHECK(call(asked, access).endpoint == Endpoint::Snapshot);
  }
}

TEST_CASE("a browser request caused by another site is refused on every path") {
  auto asked = request("GET", "/v1/points");
  asked.over_network = true;
  asked.host = "127.0.0.1:9090";
  asked.password = "s3cret";  // the browser remembers it
  const Access with_token{.token = Secret(std::string("s3cret"))};
  const std::pair<const char*, const char*> calls[] = {
      {"GET", "/v1/points"},
      {"POST", "/v1/flush"},
      {"POST", "/v1/wait"},
      {"POST", "/v1/snapshot"},
      {"GET", "/v1/position"},
      {"GET", "/v1/status"},
      {"GET", "/metrics"},
      {"GET", "/healthz"},
      {"GET", "/readyz"},
      {"HEAD", "/v1/points"},
      {"GET", "/"},
  };
  for (const auto& call : calls) {
    CAPTURE(call.second);
    asked.method = call.first;
    asked.path = call.second;
    for (const char* site : {"cross-site", "same-site", "else"}) {
      asked.fetch_site = site;
      asked.fetch_mode = "no-cors";
      asked.fetch_dest = "image";
      CHECK(refusal(asked).status == 403);
      CHECK(refusal(asked, with_token).status == 403);
      asked.fetch_mode = "navigate";
      asked.fetch_dest = "iframe";
      CHECK(refusal(asked).status == 403);
    }
    for (const char* site : {"", "none", "same-origin"}) {
      asked.fetch_site = site;
      CHECK(std::holds_alternative<Call>(parse_call(asked, {})));
    }
  }
}

TEST_CASE("a link on another site opens the dashboard and nothing else") {
  auto asked = request("GET", "/");
  asked.over_network = true;
  asked.host = "localhost:9090";
  asked.fetch_site = "cross-site";
  asked.fetch_mode = "navigate";
  asked.fetch_dest = "document";
  CHECK(call(asked).endpoint == Endpoint::Page);
  asked.path = "/v1/points";
  CHECK(refusal(asked).status == 403);
  asked.path = "/";
  asked.method = "POST";
  CHECK(refusal(asked).status == 403);
}

TEST_CASE("a browser is asked for the token as a password, with any user name") {
  auto asked = request("GET", "/");
  asked.over_network = true;
  const Access access{.token = Secret(std::string("s3cret"))};
  for (const char* password : {"", "s3cre", "s3crets"}) {
    asked.password = password;
    const auto refused = refusal(asked, access);
    CHECK(refused.status == 401);
    CHECK(refused.headers.at("WWW-Authenticate") == "Basic realm=\"walwrap\"");
  }
  asked.password = "s3cret";
  CHECK(call(asked, access).endpoint == Endpoint::Page);
}

TEST_CASE("each outcome of a wait has its answer, and only Stored is a success") {
  const replication::CommitPosition position{{1}, {2}, 7};
  replication::Progress progress;
  progress.attached = true;
  progress.stored = 7;
  progress.txid = Txid{0x1a};
  const auto answer = [&](Ended::How how) {
    return answer_wait(Endpoint::Wait, {.id = 1, .how = how, .position = position}, progress);
  };
  CHECK(answer(Ended::How::Stored).status == 200);
  CHECK(answer(Ended::How::Stored).body ==
        "{\"stored\":true,\"position\":\"0000000000000001-0000000000000002-7\","
        "\"txid\":\"000000000000001a\"}\n");
  CHECK(answer(Ended::How::TimedOut).status == 504);
  CHECK(answer(Ended::How::Replaced).status == 409);
  CHECK(answer(Ended::How::Halted).status == 503);
  CHECK(is_in(answer(Ended::How::Found).body, "\"stored\":true"));
  progress.stored = 6;
  CHECK(is_in(answer(Ended::How::Found).body, "\"stored\":false"));
  progress.attached = false;
  CHECK(is_in(answer(Ended::How::TimedOut).body, "no-database"));
}

TEST_CASE("secrets are compared in full") {
  CHECK(is_equal_in_constant_time("", ""));
  CHECK(is_equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(is_equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(is_equal_in_constant_time("abc", ""));
  CHECK_FALSE(is_equal_in_constant_time("", "abc"));
  CHECK_FALSE(is_equal_in_constant_time("abcabc", "abc"));
}

}  // namespace
}  // namespace walwrap::control
