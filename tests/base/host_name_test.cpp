#include "walwrap/base/host_name.hpp"

#include <doctest/doctest.h>

#include <string>

namespace walwrap {
namespace {

TEST_CASE("a host name and a port are split, and anything else is refused") {
  struct Row {
    std::string_view text, host;
    std::optional<std::uint16_t> port;
  };
  const Row good[] = {
      {"localhost", "localhost", {}},     {"localhost:9090", "localhost", 9090},
      {"127.0.0.1:0", "127.0.0.1", 0},    {"[::1]", "[::1]", {}},
      {"[::1]:65535", "[::1]", 65535},    {"[fd00:ec2::23]:80", "[fd00:ec2::23]", 80},
      {"a.example:080", "a.example", 80},
  };
  for (const Row& row : good) {
    CAPTURE(row.text);
    CHECK(parse_host_port(row.text) == HostPort{row.host, row.port});
  }
  for (const std::string_view bad :
       {"", ":80", "localhost:", "localhost:65536", "localhost:-1", "localhost:+1", "localhost:80 ",
        "localhost:8o", "localhost:80:80", "::1", "[::1", "[::1]9090", "[::1].x",
        "[::1]:", "[]x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_host_port(bad).has_value());
  }
}

TEST_CASE("only localhost, 127.0.0.0/8 in four decimal numbers and [::1] name this machine") {
  for (const std::string_view host : {"localhost", "LocalHost", "127.0.0.1", "127.0.0.0",
                                      "127.255.255.255", "127.10.200.9", "[::1]"}) {
    CAPTURE(host);
    CHECK(is_loopback_host(host));
  }
  for (const std::string_view host : {"",
                                      "localhost.",
                                      "localhost.example",
                                      "xlocalhost",
                                      "localhos",
                                      "local host",
                                      "127.1",
                                      "127",
                                      "127.",
                                      "127.0.0",
                                      "127.0.0.",
                                      "127.0.0.1.",
                                      ".127.0.0.1",
                                      "127.0.0.1.x",
                                      "127.0.0.1.example.com",
                                      "127.attacker.example",
                                      "127.0.0.attacker",
                                      "127.0.0.256",
                                      "127.0.0.01",
                                      "127.00.0.1",
                                      "127.0.0.0x1",
                                      "127.0.0.+1",
                                      "127.0.0.-1",
                                      "127..0.1",
                                      "127.0.0.1 ",
                                      " 127.0.0.1",
                                      "0127.0.0.1",
                                      "0177.0.0.1",
                                      "2130706433",
                                      "0x7f.0.0.1",
                                      "126.0.0.1",
                                      "128.0.0.1",
                                      "0.0.0.0",
                                      "::1",
                                      "[::1",
                                      "::1]",
                                      "[::1].x",
                                      "[::2]",
                                      "[::]",
                                      "[0:0:0:0:0:0:0:1]",
                                      "[::ffff:127.0.0.1]",
                                      "[::1%lo]",
                                      "127.0.0.1:80"}) {
    CAPTURE(host);
    CHECK_FALSE(is_loopback_host(host));
  }
  CHECK_FALSE(is_loopback_host(std::string_view("127.0.0.1\0", 10)));
  CHECK_FALSE(is_loopback_host(std::string_view("localhost\0.x", 12)));
}

}  // namespace
}  // namespace walwrap
