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

TEST_CASE("a text that is not a URL is refused") {
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

TEST_CASE("a URL with a user or password is refused without repeating it") {
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

TEST_CASE("every byte that is not unreserved is percent-encoded in upper case") {
  struct Row {
    std::string bytes, in_a_path, in_a_query;
  };
  const Row rows[] = {
      {"", "", ""},
      {"AZaz09-_.~", "AZaz09-_.~", "AZaz09-_.~"},
      {"app/db.wal", "app/db.wal", "app%2Fdb.wal"},
      {"/a//b/", "/a//b/", "%2Fa%2F%2Fb%2F"},
      {"a b+c", "a%20b%2Bc", "a%20b%2Bc"},
      {"=&?#%:@!$'()*,;", "%3D%26%3F%23%25%3A%40%21%24%27%28%29%2A%2C%3B",
       "%3D%26%3F%23%25%3A%40%21%24%27%28%29%2A%2C%3B"},
      {"[]\"<>\\^`{|}", "%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D", "%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D"},
      {"\xc3\xa9\xff", "%C3%A9%FF", "%C3%A9%FF"},
      {std::string("\0\n\x7f", 3), "%00%0A%7F", "%00%0A%7F"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    CHECK(percent_encode(row.bytes, Slash::Keep) == row.in_a_path);
    CHECK(percent_encode(row.bytes, Slash::Encode) == row.in_a_query);
  }
}

TEST_CASE("decoding a percent-encoded text gives the same text") {
  std::string all;
  for (int c = 0x20; c < 0x100; ++c) {
    if (c != 0x7f) all.push_back(static_cast<char>(c));  // control characters are refused
  }
  const auto uri = parse_uri("s3://b/" + percent_encode(all, Slash::Keep) +
                             "?k=" + percent_encode(all, Slash::Encode));
  REQUIRE(uri.has_value());
  CHECK(uri->path == "/" + all);
  CHECK(uri->query.at("k") == all);
}
