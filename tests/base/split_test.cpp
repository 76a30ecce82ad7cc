#include "walwrap/base/split.hpp"

#include <doctest/doctest.h>

namespace walwrap {
namespace {

using Pieces = std::vector<std::string_view>;

TEST_CASE("a text is split at each separator, and what is empty is a piece as well") {
  CHECK(split("a,b", ',') == Pieces{"a", "b"});
  CHECK(split("", ',') == Pieces{""});
  CHECK(split(",a,", ',') == Pieces{"", "a", ""});
  CHECK(split("one\ntwo", '\n') == Pieces{"one", "two"});
}

TEST_CASE("a word is listed as a whole piece only") {
  CHECK(is_listed("cpu,memory", ',', "memory"));
  CHECK_FALSE(is_listed("memoryless", ',', "memory"));
  CHECK_FALSE(is_listed("", ',', "memory"));
  CHECK(is_listed("", ',', ""));
}

}  // namespace
}  // namespace walwrap
