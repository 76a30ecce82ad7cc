#include "walwrap/http/wire.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::http;
using walwrap::testing::has;

TEST_CASE("a request that would be sent differently from its text is refused") {
  struct Row {
    std::string url;
    bool is_allowed;
  };
  const Row rows[] = {
      {"http://127.0.0.1:9000/b/k", true},
      {"https://b.store.example/a%20b/../c?x=%2F&y=", true},
      {"https://store.example", true},
      {"http://[::1]:9000/", true},
      {"https://store.example/a@b:c", true},
      {"ftp://store.example/k", false},
      {"file:///etc/passwd", false},
      {"store.example/k", false},
      {"HTTP://store.example/k", false},
      {"", false},
      {"http://", false},
      {"http:///k", false},
      {"http://AKIA1:s3cr3t@store.example/k", false},
      {"http://AKIA1:s3cr3t@store.example?k", false},
      {"http://store.example/s3cr3t b", false},
      {"http://store.example/s3cr3t#b", false},
      {"http://store.example/s3cr3t\r\nX-Evil: 1", false},
      {"http://store.example/s3cr3t\xc3\xa9", false},
      {std::string("http://store.example/s3cr3t\0b", 29), false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.url);
    const auto checked = check_request({.url = row.url});
    CHECK(checked.has_value() == row.is_allowed);
    if (checked) continue;
    CHECK(checked.error().code == Code::Invalid);
    CHECK_FALSE(has(checked.error().text, "s3cr3t"));
    CHECK_FALSE(has(checked.error().text, "AKIA"));
  }
}

TEST_CASE("a header field cannot add another one") {
  struct Row {
    HeaderField field;
    bool is_allowed;
  };
  const Row rows[] = {
      {{"x-amz-date", "20260101T000000Z"}, true},
      {{"x-amz-meta-name", "a, b\tc \xc3\xa9"}, true},
      {{"x-empty", ""}, true},
      {{"x-evil", "s3cr3t\r\nx-other: 1"}, false},
      {{"x-evil", "s3cr3t\nx"}, false},
      {{"x-evil", std::string("s3cr3t\0x", 8)}, false},
      {{"x-evil", "s3cr3t\x7f"}, false},
      {{"x-evil\r\nx", "1"}, false},
      {{"x evil", "1"}, false},
      {{"x-evil:", "1"}, false},
      {{"", "1"}, false},
      {{"X-Upper", "1"}, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.field.name);
    CAPTURE(row.field.value);
    const auto checked = check_request({.url = "http://store.example/", .headers = {row.field}});
    CHECK(checked.has_value() == row.is_allowed);
    if (checked) continue;
    CHECK(checked.error().code == Code::Invalid);
    CHECK_FALSE(has(checked.error().text, "s3cr3t"));
  }
}

TEST_CASE("people are shown only the host of a URL") {
  CHECK(host_of("https://b.store.example/k?sig=1") == "b.store.example");
  CHECK(host_of("http://127.0.0.1:9000/b/k") == "127.0.0.1:9000");
  CHECK(host_of("http://[::1]:9000/b") == "[::1]:9000");
  CHECK(host_of("http://h?sig=1") == "h");
  CHECK(host_of("http://u:p@h:1/k") == "h:1");
  CHECK(host_of("http://h/k@l") == "h");
  CHECK(host_of("nothing") == "nothing");
}

TEST_CASE("metadata services of this machine are distinguished from network hosts") {
  CHECK(is_link_local("169.254.169.254"));
  CHECK(is_link_local("169.254.170.2:80"));
  CHECK(is_link_local("[fd00:ec2::254]"));
  CHECK(is_link_local("[fe80::1%25eth0]:80"));
  CHECK_FALSE(is_link_local("127.0.0.1:9000"));
  CHECK_FALSE(is_link_local("169.25.4.1"));
  CHECK_FALSE(is_link_local("s3.eu-central-1.amazonaws.com"));
  CHECK_FALSE(is_link_local("[fd00:1::1]"));
}

TEST_CASE("a header field without a value is sent without a value") {
  CHECK(format_field({"x-a", "1"}) == "x-a: 1");
  CHECK(format_field({"x-a", ""}) == "x-a;");
  CHECK(format_field({"x-a", " \t"}) == "x-a;");
}
