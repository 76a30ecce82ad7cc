#include "walwrap/base/progress.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using namespace walwrap;

TEST_CASE("without a terminal a restore prints a line every five seconds") {
  const MonoTime begun{100s};
  Progress progress(Progress::Style::Lines, "restoring", begun);
  CHECK_FALSE(progress.on_progress(0, 1 << 30, begun).has_value());
  CHECK_FALSE(progress.on_progress(1 << 20, 1 << 30, begun + 4999ms).has_value());
  CHECK(progress.on_progress(256 << 20, 1 << 30, begun + 5s) ==
        "restoring:  25 %, 256.0 MiB of 1.0 GiB, 51.2 MiB/s, 15 s left\n");
  CHECK_FALSE(progress.on_progress(257 << 20, 1 << 30, begun + 9s).has_value());
  CHECK(progress.on_progress(1 << 30, 1 << 30, begun + 10s) ==
        "restoring: 100 %, 1.0 GiB of 1.0 GiB, 102.4 MiB/s\n");
  CHECK(progress.on_end().empty());
}

TEST_CASE("on a terminal a restore draws one bar on one line and removes it at the end") {
  const MonoTime begun{100s};
  Progress progress(Progress::Style::Bar, "restoring", begun);
  CHECK_FALSE(progress.on_progress(1, 100, begun + 50ms).has_value());
  CHECK(progress.on_progress(50 << 20, 100 << 20, begun + 1s) ==
        "\r\x1b[Krestoring [###############...............]  50 %, 50.0 MiB of 100.0 MiB, "
        "50.0 MiB/s, 1 s left");
  CHECK(progress.on_end() == "\n");
  CHECK(progress.on_end().empty());
}

TEST_CASE("progress beyond the total, or without a total, stays within the bar") {
  const MonoTime begun{100s};
  Progress progress(Progress::Style::Bar, "restoring", begun);
  const auto beyond = progress.on_progress(200, 100, begun + 1s);
  REQUIRE(beyond.has_value());
  CHECK(beyond->find("[##############################] 100 %, 200 B of 200 B") !=
        std::string::npos);
  const auto nothing = progress.on_progress(0, 0, begun + 2s);
  REQUIRE(nothing.has_value());
  CHECK(nothing->find("100 %, 0 B of 0 B") != std::string::npos);
}

namespace {

// A log whose lines and drawings a test keeps.
struct KeptLog {
  std::string text;
  Log log;
  explicit KeptLog(bool to_terminal, LogLevel minimum = LogLevel::Info,
                   LogFormat format = LogFormat::Logfmt)
      : log({.minimum = minimum,
             .format = format,
             .now = [] { return WallTime{}; },
             .sink = [this](std::string_view line) { text += line; },
             .to_terminal = to_terminal}) {}
};

}  // namespace

TEST_CASE("on a terminal the next log line takes the place of the bar") {
  const MonoTime begun{100s};
  KeptLog kept(true);
  LoggedProgress progress(kept.log, "flushing", begun);
  CHECK(progress.pause() == Progress::kBarEvery);
  CHECK_FALSE(progress.is_line_due(50, 100, begun + 6s));
  CHECK(kept.text.starts_with("\r\x1b[Kflushing [###############...............]  50 %"));
  kept.text.clear();
  kept.log.info("flushed");
  CHECK(kept.text.starts_with("\r\x1b[Ktime="));
  kept.text.clear();
  kept.log.info("and so on");
  CHECK(kept.text.starts_with("time="));
}

TEST_CASE("where no bar is drawn a progress line is due every five seconds") {
  const MonoTime begun{100s};
  for (const auto format : {LogFormat::Logfmt, LogFormat::Json}) {
    KeptLog kept(format == LogFormat::Json, LogLevel::Info, format);
    LoggedProgress progress(kept.log, "flushing", begun);
    CHECK(progress.pause() == Progress::kLineEvery);
    CHECK_FALSE(progress.is_line_due(1, 100, begun + 4s));
    CHECK(progress.is_line_due(1, 100, begun + 5s));
    CHECK_FALSE(progress.is_line_due(1, 100, begun + 6s));
    CHECK(kept.text.empty());
  }
}

TEST_CASE("a quiet log draws no bar") {
  const KeptLog kept(true, LogLevel::Warn);
  CHECK_FALSE(kept.log.can_draw());
}
