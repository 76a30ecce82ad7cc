#include "walwrap/base/decimal.hpp"

#include <doctest/doctest.h>

#include <cstdint>

namespace walwrap {
namespace {

TEST_CASE("a text is parsed as a number only if all of it is a number that fits") {
  CHECK(parse_decimal<int>("0") == 0);
  CHECK(parse_decimal<int>("-1") == -1);
  CHECK(parse_decimal<std::uint64_t>("18446744073709551615") == UINT64_MAX);
  for (const std::string_view none :
       {"", "-", "+1", " 1", "1 ", "1x", "0x1", "1.0", "4294967296"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_decimal<std::uint32_t>(none).has_value());
  }
  CHECK_FALSE(parse_decimal<std::uint32_t>("-1").has_value());
  CHECK_FALSE(parse_decimal<int>("2147483648").has_value());
}

}  // namespace
}  // namespace walwrap
