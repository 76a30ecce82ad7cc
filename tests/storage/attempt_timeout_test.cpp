#include "walwrap/storage/attempt_timeout.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::storage;
using Verdict = AttemptLimit::Verdict;

namespace {

MonoTime at(std::chrono::milliseconds time) {
  return MonoTime(std::chrono::hours(1)) + time;
}

CallBudget until(std::optional<std::chrono::milliseconds> deadline, bool go_on = true) {
  return {.go_on = go_on, .deadline = deadline ? std::optional(at(*deadline)) : std::nullopt};
}

}  // namespace

TEST_CASE("without a deadline an attempt takes as long as it likes") {
  AttemptLimit limit;
  limit.begin(at(0ms));
  for (const auto now : {0ms, 10'000ms, 3'600'000ms}) {
    CHECK(limit.judge(until({}), at(now)) == Verdict::GoOn);
  }
}

TEST_CASE("a deadline gives an attempt half of what was left when it appeared, a second at least") {
  struct Row {
    const char* name;
    std::chrono::milliseconds seen, deadline, began, now;
    Verdict verdict;
  };
  const Row rows[] = {
      {"just begun", 0ms, 10'000ms, 0ms, 0ms, Verdict::GoOn},
      {"half of it", 0ms, 10'000ms, 0ms, 5'000ms, Verdict::GoOn},
      {"more than half", 0ms, 10'000ms, 0ms, 5'001ms, Verdict::TryAgain},
      {"the second attempt", 0ms, 10'000ms, 5'001ms, 9'999ms, Verdict::GoOn},
      {"at the deadline", 0ms, 10'000ms, 5'001ms, 10'000ms, Verdict::OutOfTime},
      {"had hung for long", 20'000ms, 30'000ms, 0ms, 20'000ms, Verdict::TryAgain},
      {"had begun shortly before", 20'000ms, 30'000ms, 19'000ms, 23'999ms, Verdict::GoOn},
      {"shortly before, too long", 20'000ms, 30'000ms, 19'000ms, 24'001ms, Verdict::TryAgain},
      {"little left, first second", 0ms, 1'200ms, 0ms, 1'000ms, Verdict::GoOn},
      {"little left, after it", 0ms, 1'200ms, 0ms, 1'001ms, Verdict::TryAgain},
      {"less than a second left", 0ms, 300ms, 0ms, 299ms, Verdict::GoOn},
      {"and it is over", 0ms, 300ms, 0ms, 300ms, Verdict::OutOfTime},
      {"had passed when it was seen", 5'000ms, 1'000ms, 5'000ms, 5'000ms, Verdict::OutOfTime},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    AttemptLimit limit;
    const auto budget = until(row.deadline);
    limit.begin(at(row.seen));
    if (row.seen < row.deadline) CHECK(limit.judge(budget, at(row.seen)) == Verdict::GoOn);
    limit.begin(at(row.began));
    CHECK(limit.judge(budget, at(row.now)) == row.verdict);
  }
}

TEST_CASE("the share is that of the deadline that holds now") {
  AttemptLimit limit;
  limit.begin(at(0ms));
  CHECK(limit.judge(until(10'000ms), at(0ms)) == Verdict::GoOn);
  // The app has exited early: what is left is divided anew.
  limit.begin(at(1'000ms));
  CHECK(limit.judge(until(5'000ms), at(1'000ms)) == Verdict::GoOn);
  CHECK(limit.judge(until(5'000ms), at(3'001ms)) == Verdict::TryAgain);
  // The stop is off.
  CHECK(limit.judge(until({}), at(60'000ms)) == Verdict::GoOn);
}

TEST_CASE("a caller that gives up ends any attempt at once") {
  AttemptLimit limit;
  limit.begin(at(0ms));
  CHECK(limit.judge(until({}, false), at(0ms)) == Verdict::GiveUp);
  CHECK(limit.judge(until(10'000ms, false), at(1ms)) == Verdict::GiveUp);
  CHECK(limit.judge(until(1ms, false), at(5ms)) == Verdict::GiveUp);
}
