#include "walwrap/control/charts.hpp"

#include <doctest/doctest.h>

#include "tests/support/text.hpp"

namespace walwrap::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::has;

TEST_CASE("the lag chart covers the last hour from left to right and has a round upper bound") {
  History history;
  const MonoTime now{seconds(10'000)};
  history.add({.at = now - seconds(1'800), .lag = milliseconds(1'500)});
  history.add({.at = now, .lag = milliseconds(0)});
  const auto drawing = draw_lag(history, now, WallTime{} + seconds(50'000));
  CHECK(drawing.top == "2s");
  CHECK(drawing.summary == "at most 1s500ms");
  CHECK(has(drawing.svg, "d=\"M360.0 30.0L720.0 120.0\""));
  CHECK(has(drawing.svg, "<title>1970-01-01 13:23:20 UTC: lag 1s500ms</title>"));
}

TEST_CASE("a chart draws no line where no value is known") {
  const auto drawing = draw_lag({}, MonoTime{}, WallTime{});
  CHECK(!has(drawing.svg, "<path"));
  CHECK(drawing.top == "1s");
}

TEST_CASE("restore points are placed by their time, and each links to its command") {
  replication::PointsFound found;
  CHECK(draw_points(found, "p").empty());
  found.some = {{Txid{1}, WallTime{}, kUploadLevel},
                {Txid{2}, WallTime{} + seconds(50), kUploadLevel},
                {Txid{3}, WallTime{} + seconds(100), kUploadLevel}};
  found.spans = replication::spans_of(found.some);
  const auto svg = draw_points(found, "p");
  CHECK(has(svg,
            "<a href=\"#p0000000000000002\"><title>1970-01-01 00:00:50 UTC, txid "
            "0000000000000002</title><rect class=\"point\" x=\"359.0\""));
  CHECK(has(svg, "class=\"span\" x=\"0.0\""));
}

TEST_CASE("two restore points close together can each be clicked") {
  replication::PointsFound found;
  for (const auto after : {0, 50'000, 50'500, 100'000}) {
    const Txid next{found.some.size() + 1};
    found.some.push_back({next, WallTime{} + std::chrono::milliseconds(after), kUploadLevel});
  }
  const auto svg = draw_points(found, "p");
  CHECK(has(svg, "<rect class=\"hit\" x=\"356.5\" y=\"0\" width=\"5.3\""));
  CHECK(has(svg, "<rect class=\"hit\" x=\"361.8\" y=\"0\" width=\"5.3\""));
}

}  // namespace
}  // namespace walwrap::control
