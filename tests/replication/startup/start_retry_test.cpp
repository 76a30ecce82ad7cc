#include "walwrap/replication/startup/start_retry.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a start asks again what may go better, a few times what was denied, and nothing else") {
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
