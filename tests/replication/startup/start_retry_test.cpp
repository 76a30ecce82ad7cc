#include "walwrap/replication/startup/start_retry.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using namespace std::chrono_literals;

const MonoTime kRetryNow = MonoTime() + 1h;

TEST_CASE("a start waits until its time-out, or briefly where it can work without the replica") {
  CHECK(wait_of_look(Unreached::IsMissed, kRetryNow + 5min, kRetryNow).until ==
        kRetryNow + kLookLimit);
  CHECK(wait_of_look(Unreached::IsMissed, kRetryNow + 5min, kRetryNow).hurry);
  CHECK(wait_of_look(Unreached::IsRefused, kRetryNow + 5min, kRetryNow).until == kRetryNow + 5min);
  CHECK_FALSE(wait_of_look(Unreached::IsRefused, kRetryNow + 5min, kRetryNow).hurry);
  // No time at all would end each request before its answer.
  CHECK(wait_of_look(Unreached::IsRefused, kRetryNow, kRetryNow).until ==
        kRetryNow + kShortestLook);
}

TEST_CASE("a restore that makes progress is not given up when the start's time is over") {
  CHECK(wait_of_restore(kRetryNow + 5min, kRetryNow).until == kRetryNow + 5min);
  CHECK(wait_of_restore(kRetryNow - 1s, kRetryNow).until == kRetryNow + kStalledRestore);
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
