#include "walwrap/replication/startup/boot_wait.hpp"

#include <doctest/doctest.h>

#include "tests/support/world.hpp"

namespace walwrap::replication {
namespace {

using testing::kNoLog;
using testing::kSystemClock;

TEST_CASE("a start returns permanent errors at once, and others after its time limit") {
  BootRequest request;
  request.cancelled = [] { return false; };
  BootWait patient(request, kSystemClock, kNoLog);
  CHECK(patient.after({Code::Invalid, "bad"}).error().code == Code::Invalid);
  CHECK(patient.after({Code::Deadline, "slow"}).error().text ==
        "slow; --start-timeout sets how long a start waits");
  request.start_timeout = std::chrono::milliseconds(0);
  BootWait hurried(request, kSystemClock, kNoLog);
  CHECK(hurried.after({Code::Unavailable, "away"}).error().text == "away");
}

TEST_CASE("a stop ends the wait of a start") {
  BootRequest request;
  request.cancelled = [] { return true; };
  BootWait wait(request, kSystemClock, kNoLog);
  CHECK(wait.after({Code::Unavailable, "away"}).error().code == Code::Cancelled);
}

}  // namespace
}  // namespace walwrap::replication
