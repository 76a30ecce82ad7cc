#include "walwrap/storage/deadline_transport.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/manual_clock.hpp"
#include "tests/support/text.hpp"

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

// A request that takes as long as it is told, unless it is ended before: time is the clock's.
struct Slow : http::Transport {
  Slow(std::function<bool()> told, testing::ManualClock& time, std::chrono::milliseconds& length)
      : cancelled(std::move(told)), clock(time), takes(length) {}
  Result<http::Response> perform(const http::Request& request) override {
    for (auto left = takes; left > 0ms; left -= 100ms) {
      if (cancelled()) return fail(Code::Cancelled, "told to end");
      clock.advance(100ms);
    }
    if (request.sink) TRY(request.sink(as_bytes("x")));
    return http::Response{.status = 200};
  }
  std::function<bool()> cancelled;
  testing::ManualClock& clock;
  std::chrono::milliseconds& takes;
};

struct DeadlineRig {
  testing::ManualClock clock;
  CallBudget budget;
  std::chrono::milliseconds takes{0};
  std::unique_ptr<http::Transport> transport = [this] {
    const auto make =
        [this](const std::function<bool()>& cancelled) -> Result<std::unique_ptr<http::Transport>> {
      return std::unique_ptr<http::Transport>(std::make_unique<Slow>(cancelled, clock, takes));
    };
    return DeadlineTransport::open(
               make, [this] { return budget; }, clock)
        .value();
  }();

  // How it ended and after how long.
  struct Ended {
    std::string how;
    std::chrono::nanoseconds after;
  };
  Ended perform(const http::Request& request = {}) {
    const MonoTime begun = clock.mono();
    const auto answer = transport->perform(request);
    return {answer ? "done" : std::string(code_name(answer.error().code)), clock.mono() - begun};
  }
};

const std::string kUnknown{code_name(Code::Unknown)};
const std::string kCancelled{code_name(Code::Cancelled)};

}  // namespace

TEST_CASE("a request has no time limit without a deadline") {
  DeadlineRig rig;
  rig.takes = 100s;
  CHECK(rig.perform().how == "done");
}

TEST_CASE("a request that hangs during a stop leaves half of the time for the next one") {
  DeadlineRig rig;
  rig.takes = 100s;
  rig.budget.deadline = rig.clock.mono() + 8s;
  const auto first = rig.perform();
  CHECK(first.how == kUnknown);
  CHECK(first.after > 4s);
  CHECK(first.after <= 4s + 100ms);
  const auto second = rig.perform();
  CHECK(second.how == kUnknown);
  CHECK(rig.clock.mono() == *rig.budget.deadline);
  rig.takes = 300ms;
  CHECK(rig.perform().how == kUnknown);
}

TEST_CASE("a request whose caller gives up ends at once, and no other one starts") {
  DeadlineRig rig;
  rig.takes = 100s;
  rig.budget.go_on = false;
  const auto none = rig.perform();
  CHECK(none.how == kCancelled);
  CHECK(none.after == 0ns);
}

TEST_CASE("an error of the caller's sink is returned, whatever time is left") {
  DeadlineRig rig;
  rig.budget.deadline = rig.clock.mono() + 8s;
  http::Request request;
  request.sink = [](ByteSpan) -> Result<void> { return fail(Code::Cancelled, "enough"); };
  const auto answer = rig.transport->perform(request);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == Code::Cancelled);
  CHECK(answer.error().text == "enough");
}

TEST_CASE("a transport that cannot be created is an error") {
  testing::ManualClock clock;
  const auto made = DeadlineTransport::open(
      [](const std::function<bool()>&) -> Result<std::unique_ptr<http::Transport>> {
        return fail(Code::Invalid, "no such CA file");
      },
      [] { return CallBudget{}; }, clock);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == Code::Invalid);
}

TEST_CASE("an attempt without a deadline may take any time") {
  AttemptLimit limit;
  limit.begin(at(0ms));
  for (const auto now : {0ms, 10'000ms, 3'600'000ms}) {
    CHECK(limit.judge(until({}), at(now)) == Verdict::GoOn);
  }
}

TEST_CASE("a deadline gives an attempt half of the time left, at least a second") {
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

TEST_CASE("the share of an attempt follows the current deadline") {
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
