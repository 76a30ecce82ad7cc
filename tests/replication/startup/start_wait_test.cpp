#include "walwrap/replication/startup/start_wait.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using namespace std::chrono_literals;

const MonoTime kNow = MonoTime() + 1h;

TEST_CASE("a start waits until its time-out, and hurries where it can do without the replica") {
  CHECK(wait_of_look(Unreached::IsMissed, kNow + 5min, kNow).until == kNow + kLookLimit);
  CHECK(wait_of_look(Unreached::IsMissed, kNow + 5min, kNow).hurry);
  CHECK(wait_of_look(Unreached::IsRefused, kNow + 5min, kNow).until == kNow + 5min);
  CHECK_FALSE(wait_of_look(Unreached::IsRefused, kNow + 5min, kNow).hurry);
  // No time at all would end each request before its answer.
  CHECK(wait_of_look(Unreached::IsRefused, kNow, kNow).until == kNow + kShortestLook);
}

TEST_CASE("a restore that moves on is not given up when the start's time is over") {
  CHECK(wait_of_restore(kNow + 5min, kNow).until == kNow + 5min);
  CHECK(wait_of_restore(kNow - 1s, kNow).until == kNow + kStalledRestore);
}

}  // namespace
}  // namespace walwrap::replication
