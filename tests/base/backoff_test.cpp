#include "walwrap/base/backoff.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace walwrap;
using namespace std::chrono_literals;

TEST_CASE("the upper bound of a delay doubles with every try and stops at the limit") {
  Backoff backoff({.first = 100ms, .ceiling = 1s});
  std::vector<std::int64_t> ceilings;
  for (int i = 0; i < 6; ++i) {
    ceilings.push_back(backoff.next_ceiling().count());
    static_cast<void>(backoff.next_delay(0));
  }
  CHECK(ceilings == std::vector<std::int64_t>{100, 200, 400, 800, 1000, 1000});
}

TEST_CASE("a delay is random between zero and its upper bound") {
  Backoff backoff({.first = 100ms, .ceiling = 1s});
  CHECK(backoff.next_delay(0) == 0ms);      // ceiling 100
  CHECK(backoff.next_delay(200) == 200ms);  // ceiling 200
  CHECK(backoff.next_delay(401) == 0ms);    // ceiling 400
  for (std::uint64_t random = 0; random < 5000; random += 7) {
    const auto ceiling = backoff.next_ceiling();
    const auto delay = backoff.next_delay(random);
    CHECK(delay >= 0ms);
    CHECK(delay <= ceiling);
  }
}

TEST_CASE("after a success the delays start small again") {
  Backoff backoff({.first = 100ms, .ceiling = 10s});
  for (int i = 0; i < 20; ++i) static_cast<void>(backoff.next_delay(1));
  CHECK(backoff.next_ceiling() == 10s);
  backoff.reset();
  CHECK(backoff.next_ceiling() == 100ms);
}

TEST_CASE("a store that is down for years does not overflow the delay") {
  Backoff backoff({.first = 1ms, .ceiling = std::chrono::milliseconds::max() / 2});
  for (int i = 0; i < 1000; ++i) {
    CHECK(backoff.next_delay(std::numeric_limits<std::uint64_t>::max()) >= 0ms);
    CHECK(backoff.next_ceiling() > 0ms);
  }
}

TEST_CASE("a first delay above the limit is reduced to the limit") {
  const Backoff backoff({.first = 5s, .ceiling = 1s});
  CHECK(backoff.next_ceiling() == 1s);
}
