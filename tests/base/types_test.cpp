#include "walwrap/base/types.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace walwrap;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST_CASE("a TXID is written as sixteen lower-case hex digits, and only those are parsed") {
  CHECK(format_hex16(0xa1) == "00000000000000a1");
  CHECK(format_hex16(std::numeric_limits<std::uint64_t>::max()) == "ffffffffffffffff");
  CHECK(parse_hex16("00000000000000a1") == 0xa1U);
  CHECK(parse_hex16("ffffffffffffffff") == std::numeric_limits<std::uint64_t>::max());
  for (const std::string_view wrong :
       {"", "a1", "00000000000000A1", "00000000000000g1", "0x000000000000a1", " 0000000000000a1",
        "-0000000000000a1", "+0000000000000a1", "00000000000000a10"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_hex16(wrong).has_value());
  }
  CHECK(fmt::format("{}", Txid{161}) == "00000000000000a1");
  CHECK(fmt::format("{}", Pgno{161}) == "161");
}

TEST_CASE("a duration is parsed in the spellings that operators use") {
  const struct {
    std::string_view text;
    milliseconds expected;
  } cases[] = {
      {"0", 0ms},
      {"0s", 0ms},
      {"5s", 5s},
      {"250ms", 250ms},
      {"1m30s", 90s},
      {"2h", 2h},
      {"1.5s", 1500ms},
      {"0.25s", 250ms},
      {"1.5h", 90min},
      {"1h2m3s4ms", 3723004ms},
      {"90s", 90s},
      {"24h", 24h},
      {"1h0.5s", 3600500ms},
      {"1.000s", 1s},
      {"007s", 7s},
      {"876000h", 876000h},
      {"0.00001h", 36ms},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto parsed = parse_duration(c.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->count() == c.expected.count());
  }
}

TEST_CASE("a malformed, negative, ambiguous or too large duration is refused") {
  for (const std::string_view wrong : {"",
                                       " ",
                                       "5",
                                       "s",
                                       "ms",
                                       "-5s",
                                       "+5s",
                                       "5 s",
                                       " 5s",
                                       "5s ",
                                       "5S",
                                       "5sec",
                                       "5d",
                                       "1m1m",
                                       "30s1m",
                                       "1ms1s",
                                       "1.s",
                                       ".5s",
                                       "1..5s",
                                       "1.5.5s",
                                       "1.5m10s",
                                       "1.5ms",
                                       "0.0001s",
                                       "1e3s",
                                       "0x5s",
                                       "5s,",
                                       "5,5s",
                                       "inf",
                                       "nan",
                                       "00",
                                       "876001h",
                                       "999999999999999h",
                                       "9223372036854775808ms",
                                       "99999999999999999999999999s",
                                       "3153600000000ms1ms",
                                       "3153600000000.1ms",
                                       "1.0000000000s",
                                       "5\0s"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_duration(wrong).has_value());
  }
}

TEST_CASE("parsing a formatted duration gives the same duration") {
  CHECK(format_duration(0ms) == "0");
  CHECK(format_duration(250ms) == "250ms");
  CHECK(format_duration(90s) == "1m30s");
  CHECK(format_duration(24h) == "24h");
  CHECK(format_duration(-90s) == "-1m30s");
  CHECK_FALSE(format_duration(milliseconds::min()).empty());

  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const milliseconds duration(static_cast<std::int64_t>(random() >> (23 + i % 40)));
    CAPTURE(duration.count());
    CHECK(parse_duration(format_duration(duration)) == duration);
  }
}

TEST_CASE("times are written in UTC with milliseconds") {
  CHECK(format_rfc3339(WallTime{}) == "1970-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(WallTime{1767225601250ms}) == "2026-01-01T00:00:01.250Z");
  CHECK(format_rfc3339(WallTime{-1ms}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("a time beyond the four-digit years is written as the nearest one within them") {
  CHECK(format_rfc3339(WallTime::max()) == "9999-12-31T23:59:59.999Z");
  CHECK(format_rfc3339(WallTime::min()) == "0000-01-01T00:00:00.000Z");
}

TEST_CASE("a time is parsed with any fraction and any offset") {
  const WallTime base{1767225601000ms};  // 2026-01-01T00:00:01Z
  const struct {
    std::string_view text;
    WallTime expected;
  } cases[] = {
      {"2026-01-01T00:00:01Z", base},
      {"2026-01-01T00:00:01.25Z", base + 250ms},
      {"2026-01-01T00:00:01.250Z", base + 250ms},
      {"2026-01-01T00:00:01.250999999Z", base + 250ms},
      {"2026-01-01T02:00:01+02:00", base},
      {"2025-12-31T18:30:01-05:30", base},
      {"2026-01-01T00:00:01+00:00", base},
      {"2024-02-29T00:00:00Z", WallTime{1709164800000ms}},
      {"1969-12-31T23:59:59.999Z", WallTime{-1ms}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto parsed = parse_rfc3339(c.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->time_since_epoch().count() == c.expected.time_since_epoch().count());
  }
}

TEST_CASE("a text that is not an RFC 3339 time is refused") {
  for (const std::string_view wrong : {"",
                                       "2026-01-01",
                                       "2026-01-01T00:00:01",
                                       "2026-01-01 00:00:01Z",
                                       "2026-1-1T00:00:01Z",
                                       "2025-02-29T00:00:00Z",
                                       "2026-13-01T00:00:00Z",
                                       "2026-00-01T00:00:00Z",
                                       "2026-01-00T00:00:00Z",
                                       "2026-01-01T24:00:00Z",
                                       "2026-01-01T00:60:00Z",
                                       "2026-01-01T00:00:60Z",
                                       "2026-01-01T00:00:01.Z",
                                       "2026-01-01T00:00:01.1234567890Z",
                                       "2026-01-01T00:00:01+0200",
                                       "2026-01-01T00:00:01+24:00",
                                       "2026-01-01T00:00:01+02:60",
                                       "2026-01-01T00:00:01ZZ",
                                       "2026-01-01T00:00:01Z ",
                                       "+026-01-01T00:00:01Z",
                                       "20260101T000001Z",
                                       "yesterday"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_rfc3339(wrong).has_value());
  }
}

TEST_CASE("parsing a formatted time gives the same millisecond") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const WallTime time{milliseconds(static_cast<std::int64_t>(random() >> 18) - (1LL << 45))};
    CAPTURE(time.time_since_epoch().count());
    CHECK(parse_rfc3339(format_rfc3339(time)) == time);
  }
}

TEST_CASE("the lock page is the page that holds byte 2^30, for every page size") {
  for (const std::uint32_t size : {512U, 1024U, 4096U, 32768U, 65536U}) {
    CAPTURE(size);
    const std::uint64_t start = std::uint64_t{lock_page(PageSize{size}).value - 1} * size;
    CHECK(start <= (1U << 30));
    CHECK(start + size > (1U << 30));
  }
}

TEST_CASE("a page size is a power of two from 512 to 65536") {
  for (std::uint64_t size = 512; size <= 65536; size *= 2) CHECK(PageSize::is_valid(size));
  for (const std::uint64_t size : {0ULL, 1ULL, 256ULL, 4095ULL, 131072ULL, 1ULL << 32}) {
    CAPTURE(size);
    CHECK_FALSE(PageSize::is_valid(size));
  }
}
