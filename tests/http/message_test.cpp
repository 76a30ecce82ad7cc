#include "walwrap/http/message.hpp"

#include <doctest/doctest.h>

using namespace walwrap;
using namespace walwrap::http;

TEST_CASE("a method is written as HTTP writes it") {
  CHECK(method_name(Method::Get) == "GET");
  CHECK(method_name(Method::Head) == "HEAD");
  CHECK(method_name(Method::Put) == "PUT");
  CHECK(method_name(Method::Post) == "POST");
  CHECK(method_name(Method::Delete) == "DELETE");
}

TEST_CASE("the first of several header fields with one name is found") {
  Response response;
  response.headers = {{"etag", "\"1\""}, {"x-id", "a"}, {"x-id", "b"}};
  CHECK(response.header("x-id") == "a");
  CHECK(response.header("etag") == "\"1\"");
  CHECK(response.header("date").empty());
}
