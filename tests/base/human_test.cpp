#include "walwrap/base/human.hpp"

#include <doctest/doctest.h>

using namespace walwrap;
using std::chrono::milliseconds;

TEST_CASE("amounts are shown in the unit that people expect") {
  struct Row {
    Bytes bytes;
    const char* text;
  };
  const Row rows[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1536, "1.5 KiB"},
      {(1ULL << 20) - 1, "1.0 MiB"},
      {1ULL << 20, "1.0 MiB"},
      {5ULL << 30, "5.0 GiB"},
      {3000ULL << 40, "3000.0 TiB"},
  };
  for (const Row& row : rows) CHECK(format_bytes(row.bytes) == row.text);
}

TEST_CASE("a rate is shown as an amount per second, and no rate as nothing") {
  CHECK(format_rate(1'536) == "1.5 KiB/s");
  CHECK(format_rate(-5) == "0 B/s");
  CHECK(format_rate(0.0 / 0.0) == "0 B/s");
  CHECK(format_rate(1e300) == "909494.7 TiB/s");
}

TEST_CASE("an age is shown in whole seconds and is never negative") {
  CHECK(format_age(WallTime{}, WallTime{} + milliseconds(999)) == "now");
  CHECK(format_age(WallTime{} + milliseconds(5'000), WallTime{}) == "now");
  CHECK(format_age(WallTime{}, WallTime{} + milliseconds(90'500)) == "1m30s ago");
}
