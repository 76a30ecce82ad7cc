#include "walwrap/storage/deadline_transport.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "tests/support/manual_clock.hpp"
#include "tests/support/text.hpp"

using namespace std::chrono_literals;
using namespace walwrap;
using namespace walwrap::storage;
using testing::has;

namespace {

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

struct Rig {
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

TEST_CASE("a request takes the time it takes while nobody is in a hurry") {
  Rig rig;
  rig.takes = 100s;
  CHECK(rig.perform().how == "done");
}

TEST_CASE("a request that hangs during a stop makes room for another one, then for none") {
  Rig rig;
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

TEST_CASE("a request whose caller gives up ends at once, and no other one begins") {
  Rig rig;
  rig.takes = 100s;
  rig.budget.go_on = false;
  const auto none = rig.perform();
  CHECK(none.how == kCancelled);
  CHECK(none.after == 0ns);
}

TEST_CASE("what a caller's own sink cancels is the caller's, whatever time is left") {
  Rig rig;
  rig.budget.deadline = rig.clock.mono() + 8s;
  http::Request request;
  request.sink = [](ByteSpan) -> Result<void> { return fail(Code::Cancelled, "enough"); };
  const auto answer = rig.transport->perform(request);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == Code::Cancelled);
  CHECK(answer.error().text == "enough");
}

TEST_CASE("a transport that cannot be made is said") {
  testing::ManualClock clock;
  const auto made = DeadlineTransport::open(
      [](const std::function<bool()>&) -> Result<std::unique_ptr<http::Transport>> {
        return fail(Code::Invalid, "no such CA file");
      },
      [] { return CallBudget{}; }, clock);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == Code::Invalid);
}
