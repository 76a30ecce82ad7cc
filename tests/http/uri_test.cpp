#include "walwrap/http/uri.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace walwrap;
using namespace walwrap::http;

TEST_CASE("a URL is split into scheme, host, path and query") {
  struct Row {
    std::string text, scheme, host, path;
    std::map<std::string, std::string> query;
  };
  const Row rows[] = {
      {"file:///backups/db", "file", "", "/backups/db", {}},
      {"FILE:///Backups", "file", "", "/Backups", {}},
      {"s3://bucket", "s3", "bucket", "", {}},
      {"s3://my-bucket.eu/app/db", "s3", "my-bucket.eu", "/app/db", {}},
      {"s3://b/a//c/", "s3", "b", "/a//c/", {}},
      {"http://127.0.0.1:9000/b", "http", "127.0.0.1:9000", "/b", {}},
      {"http://[::1]:9000/b", "http", "[::1]:9000", "/b", {}},
      {"http://[::1]/b", "http", "[::1]", "/b", {}},
      {"file:///with%20space/100%25/%C3%A9", "file", "", "/with space/100%/\xc3\xa9", {}},
      {"file:///a@b:c", "file", "", "/a@b:c", {}},
      {"s3://b/p?region=eu-1&endpoint=http%3A%2F%2Fh%3A1%2F%3Fx",
       "s3",
       "b",
       "/p",
       {{"region", "eu-1"}, {"endpoint", "http://h:1/?x"}}},
      {"s3://b?path-style=true", "s3", "b", "", {{"path-style", "true"}}},
      {"s3://b/p?a=&b=x=y+z", "s3", "b", "/p", {{"a", ""}, {"b", "x=y+z"}}},
      {"s3://b/p?", "s3", "b", "/p", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto uri = parse_uri(row.text);
    REQUIRE(uri.has_value());
    CHECK(uri->scheme == row.scheme);
    CHECK(uri->host == row.host);
    CHECK(uri->path == row.path);
    CHECK(uri->query == row.query);
  }
}

TEST_CASE("what is not a URL is refused") {
  const std::string rows[] = {
      "",
      "/backups/db",
      "backups",
      "file:/backups",
      "://b/p",
      "3s://b/p",
      "s 3://b/p",
      "s3://b/%",
      "s3://b/%4",
      "s3://b/%zz",
      "file:///a%00b",
      "file:///a%0ab",
      "file:///a\nb",
      "file:///a#b",
      "s3://b:port/p",
      "s3://b:/p",
      "s3://b:123456/p",
      "s3://:80/p",
      "s3://b ucket/p",
      "s3://b%2fc/p",
      "http://[::1/p",
      "http://[::1]x/p",
      "s3://b/p?region",
      "s3://b/p?=eu",
      "s3://b/p?a=1&&b=2",
      "s3://b/p?a=1&a=2",
      "s3://b/p?a=%1",
  };
  for (const std::string& text : rows) {
    CAPTURE(text);
    const auto uri = parse_uri(text);
    REQUIRE_FALSE(uri.has_value());
    CHECK(uri.error().code == Code::Invalid);
  }
}

TEST_CASE("a URL with a user or password is refused, and the refusal does not repeat it") {
  for (const std::string text : {"s3://AKIA1:s3cr3t@bucket/p", "s3://AKIA1@bucket/p",
                                 "s3://AKIA1:s3cr/3t@bucket/p", "s3://AKIA1:s3cr3t%@bucket/p"}) {
    CAPTURE(text);
    const auto uri = parse_uri(text);
    REQUIRE_FALSE(uri.has_value());
    CHECK(uri.error().code == Code::Invalid);
    CHECK(uri.error().text.find("s3cr") == std::string::npos);
    CHECK(uri.error().text.find("AKIA") == std::string::npos);
    CHECK(uri.error().text.find("password") != std::string::npos);
  }
}
