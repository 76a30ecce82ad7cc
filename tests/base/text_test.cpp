#include "walwrap/base/text.hpp"

#include <doctest/doctest.h>

namespace walwrap {
namespace {

using Pieces = std::vector<std::string_view>;

TEST_CASE("a text is split at each separator, and an empty piece counts") {
  CHECK(split("a,b", ',') == Pieces{"a", "b"});
  CHECK(split("", ',') == Pieces{""});
  CHECK(split(",a,", ',') == Pieces{"", "a", ""});
  CHECK(split("one\ntwo", '\n') == Pieces{"one", "two"});
}

TEST_CASE("a word is found in a list only as a whole piece") {
  CHECK(is_listed("cpu,memory", ',', "memory"));
  CHECK_FALSE(is_listed("memoryless", ',', "memory"));
  CHECK_FALSE(is_listed("", ',', "memory"));
  CHECK(is_listed("", ',', ""));
}

TEST_CASE("trimming removes blanks at both ends of a text and nowhere else") {
  CHECK(trim(" \ta b\t ", " \t") == "a b");
  CHECK(trim("a\r", " \t") == "a\r");
  CHECK(trim("a", " ") == "a");
  CHECK(trim(" \t ", " \t").empty());
  CHECK(trim("", " ").empty());
}

TEST_CASE("characters are classified by ASCII alone") {
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char c = static_cast<char>(byte);
    const auto is_one_of = [c](std::string_view all) { return all.find(c) != all.npos; };
    CHECK(is_digit(c) == is_one_of("0123456789"));
    CHECK(is_letter(c) == is_one_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    CHECK(is_control(c) == (byte < 32 || byte == 127));
    CHECK(hex_value(c).has_value() == is_one_of("0123456789abcdefABCDEF"));
  }
  CHECK(hex_value('0') == 0);
  CHECK(hex_value('9') == 9);
  CHECK(hex_value('a') == 10);
  CHECK(hex_value('F') == 15);
}

TEST_CASE("converting to lower case changes no other characters") {
  CHECK(lower_case("S3.Amazonaws.COM/@[`{\xc4") == "s3.amazonaws.com/@[`{\xc4");
  CHECK(lower_case("").empty());
}

TEST_CASE("a word is quoted for a shell if it needs to be") {
  CHECK(quote_for_shell("file:///a/b.db") == "file:///a/b.db");
  CHECK(quote_for_shell("") == "''");
  CHECK(quote_for_shell("a b") == "'a b'");
  CHECK(quote_for_shell("it's") == "'it'\\''s'");
  CHECK(quote_for_shell("$(x)`y`") == "'$(x)`y`'");
}

}  // namespace
}  // namespace walwrap
