#include "walwrap/cli/timestamp_arg.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace walwrap::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("a timestamp argument is a time, an age in words or a duration") {
  const WallTime now = WallTime{} + hours(100'000);
  const std::vector<std::pair<std::string, milliseconds>> rows = {
      {"10 minutes ago", minutes(10)}, {"1 minute ago", minutes(1)}, {"2 hours ago", hours(2)},
      {"3 days ago", hours(72)},       {"1 week ago", hours(168)},   {"0 seconds ago", seconds(0)},
      {"90s ago", seconds(90)},        {"1h30m ago", minutes(90)}};
  for (const auto& row : rows) {
    const auto moment = parse_timestamp_arg(row.first);
    REQUIRE_MESSAGE(moment.has_value(), row.first);
    CHECK_MESSAGE(resolve(*moment, now) == now - row.second, row.first);
  }
  CHECK(resolve(*parse_timestamp_arg("1970-01-01T00:00:01Z"), now) == WallTime{} + seconds(1));
}

TEST_CASE("a malformed timestamp argument is refused") {
  for (const char* text : {"", "ago", " ago", "10 ago", "minutes ago", "ten minutes ago",
                           "10 minutes", "-1 minutes ago", "10  minutes ago", "10 fortnights ago",
                           "99999999999 days ago", "yesterday", "10minutes ago"}) {
    CHECK_MESSAGE(!parse_timestamp_arg(text), text);
  }
}

}  // namespace
}  // namespace walwrap::cli
