#include "walwrap/client/text.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

namespace walwrap::client {
namespace {

TEST_CASE("a released text ends with a zero byte, and its source is empty") {
  Text text(100);
  text.append("txid ");
  text.append_decimal(-42);
  text.append('!');
  CHECK(text.view() == "txid -42!");
  char* const given = text.release();
  REQUIRE(given != nullptr);
  CHECK(std::strcmp(given, "txid -42!") == 0);
  std::free(given);
  CHECK(text.view().empty());
  char* const empty = text.release();
  REQUIRE(empty != nullptr);
  CHECK(*empty == '\0');
  std::free(empty);
}

TEST_CASE("a text over its limit keeps what fits and ends at a whole character") {
  Text text(5);
  text.append("ab");
  text.append("c\xc3\xa4\xc3\xb6");  // two letters of two bytes each, and room for one of them
  CHECK(text.state() == Text::State::TooLong);
  CHECK(text.view() == "abc\xc3\xa4");
  text.append("d");
  CHECK(text.view() == "abc\xc3\xa4");
  text.clear();
  text.append("12345");
  CHECK(text.is_whole());
  CHECK(text.view() == "12345");
}

TEST_CASE("a text grows up to its limit") {
  Text text(100'000);
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    text.append("0123456789");
    expected += "0123456789";
  }
  CHECK(text.is_whole());
  CHECK(text.view() == expected);
}

}  // namespace
}  // namespace walwrap::client
