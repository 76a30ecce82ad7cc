#include "walwrap/client/request.hpp"

#include <doctest/doctest.h>

#include <string>

namespace walwrap::client {
namespace {

std::string formatted(const Request& request, int left_ms) {
  Text text(kMostRequestBytes);
  format_request(request, std::chrono::milliseconds(left_ms), text);
  return std::string(text.view());
}

TEST_CASE("a request gives walwrap's time limit in whole milliseconds") {
  CHECK(formatted({.method = "POST", .target = "/v1/wait"}, 5'000) ==
        "POST /v1/wait?timeout=5000ms HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Length: 0\r\n\r\n");
  CHECK(
      formatted({.method = "GET", .target = "/v1/position?db=a"}, -3) ==
      "GET /v1/position?db=a&timeout=0ms HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(formatted({.method = "GET", .target = "/metrics", .says = Request::Says::Target}, 1)
            .starts_with("GET /metrics HTTP/1.1\r\n"));
}

TEST_CASE("a database's path is always exactly one parameter") {
  Text target(1'000);
  target.append("/v1/wait");
  append_parameters(target, {.database = "/data/a b&c=%?#\xc3\xa4\r\n.db", .position = "0-1_2~"});
  CHECK(target.view() ==
        "/v1/wait?db=%2Fdata%2Fa%20b%26c%3D%25%3F%23%C3%A4%0D%0A.db&position=0-1_2~");
}

TEST_CASE("a request target with a blank or a line break in it is not well-formed") {
  const auto is_good = [](std::string_view method, std::string_view target) {
    return is_well_formed({.method = method, .target = target});
  };
  CHECK(is_good("GET", "/v1/points?timeout=1s"));
  CHECK_FALSE(is_good("PUT", "/"));
  CHECK_FALSE(is_good("GET ", "/"));
  CHECK_FALSE(is_good("GET", ""));
  CHECK_FALSE(is_good("GET", "v1/status"));
  CHECK_FALSE(is_good("GET", "/ HTTP/1.1\r\nX: y"));
  CHECK_FALSE(is_good("GET", "/a b"));
  CHECK_FALSE(is_good("GET", "/\xc3\xa4"));
}

}  // namespace
}  // namespace walwrap::client
