#include "walwrap/replication/replica/points.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/stored_files.hpp"

using namespace walwrap;
using namespace walwrap::replication;
using testing::at_second;
using testing::stored_files;

namespace {

// "L0 1..3 @5..9 (3)" of each.
std::string show_spans(const std::vector<PointSpan>& spans) {
  std::string text;
  for (const PointSpan& span : spans) {
    text += fmt::format(
        "{}L{} {}..{} @{}..{} ({})", text.empty() ? "" : ", ", span.level, span.first.value,
        span.last.value,
        std::chrono::floor<std::chrono::seconds>(span.from).time_since_epoch().count(),
        std::chrono::floor<std::chrono::seconds>(span.to).time_since_epoch().count(), span.points);
  }
  return text;
}

std::string spans_in(const std::string& text) {
  return show_spans(spans_of(find_points(stored_files(text))));
}

}  // namespace

TEST_CASE("restore points include every stored TXID that a chain leads to, as spans") {
  CHECK(spans_in("") == "");
  CHECK(spans_in("L0:1-1@5 L0:2-2@6 L0:3-3@9") == "L0 1..3 @5..9 (3)");
  CHECK(spans_in("L0:3-3@9 L0:1-1@5 L0:2-2@6") == "L0 1..3 @5..9 (3)");
  // Nothing leads to 4.
  CHECK(spans_in("L0:1-1@5 L0:2-2@6 L0:4-4@9") == "L0 1..2 @5..6 (2)");
  // The snapshot does, over what is gone.
  CHECK(spans_in("L9:1-4@8 L0:5-5@9 L0:6-6@10") == "L9 4..4 @8..8 (1), L0 5..6 @9..10 (2)");
  CHECK(spans_in("L9:2-4@8 L0:5-5@9") == "");  // a snapshot begins at 1
  // Merged files: only their ends.
  CHECK(spans_in("L1:1-10@10 L1:11-20@20 L0:21-21@21") ==
        "L1 10..20 @10..20 (2), L0 21..21 @21..21 (1)");
}

TEST_CASE("a restore point at which two files end has the earlier time") {
  CHECK(spans_in("L0:1-1@5 L0:2-2@6 L9:1-2@60") == "L0 1..2 @5..6 (2)");
  CHECK(spans_in("L9:1-2@60 L0:1-1@5 L0:2-2@6") == "L0 1..2 @5..6 (2)");
}

TEST_CASE("a long list of restore points is thinned and keeps the first and the last") {
  std::vector<RestorePoint> points;
  for (std::uint64_t i = 1; i <= 1'000; ++i) {
    points.push_back({Txid{i}, at_second(static_cast<std::int64_t>(i)), kUploadLevel});
  }
  const auto some = choose_some(points, 10);
  REQUIRE(some.size() == 10);
  CHECK(some.front().txid == Txid{1});
  CHECK(some.back().txid == Txid{1'000});
  for (std::size_t i = 1; i < some.size(); ++i) CHECK(some[i].txid > some[i - 1].txid);
  CHECK(choose_some(points, 1'000) == points);
  CHECK(choose_some({}, 10).empty());
}

TEST_CASE("the newest snapshot is the longest file from the beginning") {
  CHECK(!summarize_points({}, at_second(1)).snapshot);
  const auto found =
      summarize_points(stored_files("L0:1-1@5 L0:2-2@6 L9:1-2@7 L0:3-3@8"), at_second(9));
  REQUIRE(found.snapshot);
  CHECK(found.snapshot->txid == Txid{2});
  CHECK(found.snapshot->time == at_second(7));
  CHECK(found.listed == at_second(9));
  CHECK(found.some.size() == 3);
}
