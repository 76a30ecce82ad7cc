#include "walwrap/os/clock.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>

#include "tests/support/manual_clock.hpp"

namespace walwrap::os {
namespace {

using std::chrono::milliseconds;

TEST_CASE("the monotonic clock never goes back") {
  const SystemClock clock;
  MonoTime last = clock.mono();
  CHECK(last > MonoTime{});
  for (int i = 0; i < 1000; ++i) {
    const MonoTime now = clock.mono();
    REQUIRE(now >= last);
    last = now;
  }
}

TEST_CASE("the wall clock agrees with the system's clock") {
  const SystemClock clock;
  const auto before = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  const WallTime now = clock.wall();
  const auto after = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  CHECK(now >= before);
  CHECK(now <= after);
}

TEST_CASE("random numbers do not repeat") {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_u64());
  CHECK(seen.size() == 1000);
}

TEST_CASE("a manual clock moves only on request") {
  testing::ManualClock clock;
  const MonoTime mono = clock.mono();
  const WallTime wall = clock.wall();
  CHECK(format_rfc3339(wall) == "2026-01-01T00:00:00.000Z");
  CHECK(clock.mono() == mono);

  clock.advance(milliseconds(1500));
  CHECK(clock.mono() - mono == milliseconds(1500));
  CHECK(clock.wall() - wall == milliseconds(1500));

  clock.set_wall(wall);
  CHECK(clock.wall() == wall);
  CHECK(clock.mono() - mono == milliseconds(1500));
}

}  // namespace
}  // namespace walwrap::os
