#include "walwrap/replication/startup/start_retry.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using namespace std::chrono_literals;

const MonoTime kNow = MonoTime() + 1h;

TEST_CASE("a start waits until its time-out, or briefly where it can work without the replica") {
  CHECK(wait_of_look(Unreached::IsMissed, kNow + 5min, kNow).until == kNow + kLookLimit);
  CHECK(wait_of_look(Unreached::IsMissed, kNow + 5min, kNow).hurry);
  CHECK(wait_of_look(Unreached::IsRefused, kNow + 5min, kNow).until == kNow + 5min);
  CHECK_FALSE(wait_of_look(Unreached::IsRefused, kNow + 5min, kNow).hurry);
  // No time at all would end each request before its answer.
  CHECK(wait_of_look(Unreached::IsRefused, kNow, kNow).until == kNow + kShortestLook);
}

TEST_CASE("a restore that makes progress is not given up when the start's time is over") {
  CHECK(wait_of_restore(kNow + 5min, kNow).until == kNow + 5min);
  CHECK(wait_of_restore(kNow - 1s, kNow).until == kNow + kStalledRestore);
}

TEST_CASE("a start repeats what may succeed, a few times what was denied, and nothing else") {
  for (const Code code : {Code::Unavailable, Code::Busy, Code::NotFound}) {
    CHECK(pause_before_retry(code, 0) == kRetryPause);
    CHECK(pause_before_retry(code, 100) == kRetryPause);
  }
  CHECK(pause_before_retry(Code::Denied, 1) == 2s);
  CHECK(pause_before_retry(Code::Denied, 2) == 13s);
  CHECK_FALSE(pause_before_retry(Code::Denied, 3));
  CHECK(kDeniedPauses[0] + kDeniedPauses[1] == kDeniedLimit);
  for (const Code code : {Code::Invalid, Code::Mismatch, Code::Corrupt, Code::Cancelled,
                          Code::Unsupported, Code::Io, Code::Exists}) {
    CHECK_FALSE(pause_before_retry(code, 0));
  }
}

}  // namespace
}  // namespace walwrap::replication
