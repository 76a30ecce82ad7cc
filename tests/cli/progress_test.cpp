#include "walwrap/cli/progress.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::cli;

TEST_CASE("off a terminal a restore says a line every five seconds and nothing between") {
  const MonoTime begun{100s};
  Progress progress(Progress::Style::Lines, begun);
  CHECK_FALSE(progress.on_progress(0, 1 << 30, begun).has_value());
  CHECK_FALSE(progress.on_progress(1 << 20, 1 << 30, begun + 4999ms).has_value());
  CHECK(progress.on_progress(256 << 20, 1 << 30, begun + 5s) ==
        "restoring:  25 %, 256.0 MiB of 1.0 GiB, 51.2 MiB/s, 15 s left\n");
  CHECK_FALSE(progress.on_progress(257 << 20, 1 << 30, begun + 9s).has_value());
  CHECK(progress.on_progress(1 << 30, 1 << 30, begun + 10s) ==
        "restoring: 100 %, 1.0 GiB of 1.0 GiB, 102.4 MiB/s\n");
  CHECK(progress.on_end().empty());
}

TEST_CASE("on a terminal a restore draws a bar on one line and ends it") {
  const MonoTime begun{100s};
  Progress progress(Progress::Style::Bar, begun);
  CHECK_FALSE(progress.on_progress(1, 100, begun + 50ms).has_value());
  CHECK(progress.on_progress(50 << 20, 100 << 20, begun + 1s) ==
        "\r\x1b[K[###############...............]  50 %, 50.0 MiB of 100.0 MiB, 50.0 MiB/s, "
        "1 s left");
  CHECK(progress.on_end() == "\n");
  CHECK(progress.on_end().empty());
}

TEST_CASE("a progress beyond its total, or of nothing, stays within the bar") {
  const MonoTime begun{100s};
  Progress progress(Progress::Style::Bar, begun);
  const auto beyond = progress.on_progress(200, 100, begun + 1s);
  REQUIRE(beyond.has_value());
  CHECK(beyond->find("[##############################] 100 %, 200 B of 200 B") !=
        std::string::npos);
  const auto nothing = progress.on_progress(0, 0, begun + 2s);
  REQUIRE(nothing.has_value());
  CHECK(nothing->find("100 %, 0 B of 0 B") != std::string::npos);
}
