#include "walwrap/http/answer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::http;
using walwrap::testing::has;

namespace {

// What is kept of a head, given line by line.
Result<Response> read_head(const std::vector<std::string>& lines) {
  const Request request{.url = "http://store.example/b?X-Amz-Signature=secret"};
  Answer answer(request);
  for (const std::string& line : lines) TRY(answer.on_head_line(line));
  return answer.take();
}

}  // namespace

TEST_CASE("header field names become lower case, and values lose their outer blanks") {
  const auto response =
      read_head({"HTTP/1.1 200 OK\r\n", "ETag:\"a:b\"\r\n", "X-Amz-Id:  x y\t \r\n",
                 "Content-Length: 0\n", "Empty:\r\n", "Via:a\r\n", "\r\n"});
  REQUIRE(response.has_value());
  CHECK(response->status == 200);
  const std::vector<HeaderField> expected = {{"etag", "\"a:b\""},
                                             {"x-amz-id", "x y"},
                                             {"content-length", "0"},
                                             {"empty", ""},
                                             {"via", "a"}};
  CHECK(response->headers == expected);
}

TEST_CASE("a value that continues on the next line is one value") {
  const auto response = read_head({"HTTP/1.1 200 OK\r\n", "X-A: one\r\n", "  etag: two\r\n",
                                   "\tthree\r\n", "X-B: \r\n", " four\r\n", "\r\n"});
  REQUIRE(response.has_value());
  const std::vector<HeaderField> expected = {{"x-a", "one etag: two three"}, {"x-b", "four"}};
  CHECK(response->headers == expected);
}

TEST_CASE("a malformed header line is left out, with its continuation lines") {
  const auto response = read_head({"HTTP/1.1 200 OK\r\n", " at the very top\r\n", "X-A: 1\r\n",
                                   "no field\r\n", " goes on\r\n", "Bad Name: 2\r\n",
                                   "Spaced : 3\r\n", ": 4\r\n", "X-B: 5\r\n", "\r\n"});
  REQUIRE(response.has_value());
  const std::vector<HeaderField> expected = {{"x-a", "1"}, {"x-b", "5"}};
  CHECK(response->headers == expected);
}

TEST_CASE("headers of interim answers and trailers are dropped") {
  const auto response = read_head({"HTTP/1.1 100 Continue\r\n", "Date: early\r\n", "\r\n",
                                   "HTTP/1.1 103 Early Hints\r\n", "Link: x\r\n", "\r\n",
                                   "HTTP/1.1 404 Not Found\r\n", "Date: late\r\n", "\r\n",
                                   "Etag: trailer\r\n", "HTTP/1.1 200 OK\r\n", "\r\n"});
  REQUIRE(response.has_value());
  CHECK(response->status == 404);
  const std::vector<HeaderField> expected = {{"date", "late"}};
  CHECK(response->headers == expected);
}

TEST_CASE("a status line has HTTP and three digits") {
  struct Row {
    std::string line;
    int status;  // 0: no HTTP
  };
  const Row rows[] = {
      {"HTTP/1.1 200 OK\r\n", 200}, {"HTTP/1.0 503\r\n", 503},
      {"HTTP/2 204 \r\n", 204},     {"HTTP/1.1 999 x\r\n", 999},
      {"HTTP/1.1 20\r\n", 0},       {"HTTP/1.1\r\n", 0},
      {"HTTP/1.1 2x0 OK\r\n", 0},   {"HTTP/1.1 099 OK\r\n", 0},
      {"ICY 200 OK\r\n", 0},        {"\r\n", 0},
      {"SSH-2.0-OpenSSH_9\r\n", 0}, {"HTTP/1.1  200\r\n", 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    const auto response = read_head({row.line});
    if (row.status != 0) {
      REQUIRE(response.has_value());
      CHECK(response->status == row.status);
      continue;
    }
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == Code::Corrupt);
    CHECK(has(response.error().text, "store.example"));
    CHECK_FALSE(has(response.error().text, "secret"));
  }
}

TEST_CASE("the head of an answer has a size limit, however it is divided") {
  const std::string long_line = "X-A: " + std::string(1'000, 'a') + "\r\n";
  SUBCASE("over fields") {
    std::vector<std::string> lines(kHeadLimit / long_line.size() + 1, long_line);
    lines.insert(lines.begin(), "HTTP/1.1 200 OK\r\n");
    const auto response = read_head(lines);
    REQUIRE_FALSE(response.has_value());
    CHECK(response.error().code == Code::Corrupt);
  }
  SUBCASE("over interim answers without end") {
    std::vector<std::string> lines;
    for (int i = 0; i < 4'000; ++i) {
      lines.emplace_back("HTTP/1.1 100 Continue\r\n");
      lines.emplace_back("\r\n");
    }
    CHECK_FALSE(read_head(lines).has_value());
  }
  SUBCASE("over trailers") {
    std::vector<std::string> lines(kHeadLimit / long_line.size() + 1, long_line);
    lines.insert(lines.begin(), {"HTTP/1.1 200 OK\r\n", "\r\n"});
    CHECK_FALSE(read_head(lines).has_value());
  }
  SUBCASE("but not below it") {
    std::vector<std::string> lines(kHeadLimit / long_line.size() - 1, long_line);
    lines.insert(lines.begin(), "HTTP/1.1 200 OK\r\n");
    CHECK(read_head(lines).has_value());
  }
}

TEST_CASE("a body is kept up to the limit of its request") {
  const Request request{.url = "http://store.example/b", .response_limit = 10};
  Answer answer(request);
  REQUIRE(answer.on_head_line("HTTP/1.1 200 OK\r\n").has_value());
  REQUIRE(answer.on_head_line("\r\n").has_value());
  REQUIRE(answer.on_body(as_bytes("01234")).has_value());
  REQUIRE(answer.on_body(as_bytes("56789")).has_value());
  CHECK(answer.body_bytes() == 10);
  const auto more = answer.on_body(as_bytes("x"));
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().code == Code::Corrupt);
  CHECK(as_text(answer.take().body) == "0123456789");
}

TEST_CASE("only the body of a success goes to the sink, and the sink's error ends the request") {
  std::string taken;
  Request request{.url = "http://store.example/b", .response_limit = 10};
  request.sink = [&](ByteSpan bytes) -> Result<void> {
    taken += as_text(bytes);
    if (taken.size() > 15) return fail(Code::Io, "disk full");
    return {};
  };
  for (const std::string status : {"200", "206", "404", "503", "307"}) {
    CAPTURE(status);
    taken.clear();
    Answer answer(request);
    REQUIRE(answer.on_head_line("HTTP/1.1 " + status + " x\r\n").has_value());
    REQUIRE(answer.on_head_line("\r\n").has_value());
    REQUIRE(answer.on_body(as_bytes("0123456789")).has_value());
    const bool is_success = status[0] == '2';
    CHECK(taken == (is_success ? "0123456789" : ""));
    const auto more = answer.on_body(as_bytes("0123456789"));
    REQUIRE_FALSE(more.has_value());
    CHECK(more.error().code == (is_success ? Code::Io : Code::Corrupt));
    CHECK(answer.take().body.size() == (is_success ? 0 : 10));
  }
}

TEST_CASE("the head of a success is shown once before its body, and may end the request") {
  std::string order;
  Request request{.url = "http://store.example/b"};
  request.sink = [&](ByteSpan bytes) -> Result<void> {
    order += as_text(bytes);
    return {};
  };
  request.on_head = [&](const Response& head) -> Result<void> {
    order += "[" + std::string(head.header("etag")) + "]";
    if (head.header("etag") == "other") return fail(Code::Mismatch, "another object");
    return {};
  };
  const auto read = [&](const std::string& status, const std::string& etag) -> Result<void> {
    order.clear();
    Answer answer(request);
    for (const auto& line : {std::string("HTTP/1.1 100 Continue"), std::string(),
                             "HTTP/1.1 " + status, "ETag: " + etag, std::string()}) {
      TRY(answer.on_head_line(line + "\r\n"));
    }
    TRY(answer.on_body(as_bytes("0123")));
    TRY(answer.on_body(as_bytes("4567")));
    return answer.on_head_line("X-Trailer: 1\r\n");
  };
  CHECK(read("206 Partial Content", "one").has_value());
  CHECK(order == "[one]01234567");
  CHECK(read("404 Not Found", "one").has_value());
  CHECK(order.empty());
  const auto ended = read("200 OK", "other");
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().code == Code::Mismatch);
  CHECK(order == "[other]");
}
