#include "walwrap/supervisor/stop_requests.hpp"

#include <doctest/doctest.h>

#include <csignal>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using StopAnswer = StopRequests::Answer;

constexpr MonoTime kStopStart{100s};
const os::ReceivedSignal kTerm{.number = SIGTERM};
const os::ReceivedSignal kCtrlC{.number = SIGINT, .from_kernel = true};

TEST_CASE("a stop signal that is repeated within two seconds is the same request") {
  StopRequests requests;
  CHECK(requests.on_signal(kTerm, kStopStart) == StopAnswer::First);
  CHECK(requests.on_signal(kTerm, kStopStart + 1ms) == StopAnswer::Swallow);
  CHECK(requests.on_signal(kTerm, kStopStart + 1'999ms) == StopAnswer::Swallow);
  CHECK(requests.on_signal(kTerm, kStopStart + 2s) == StopAnswer::PassOn);
}

TEST_CASE("the third stop request kills the app, and so does each later one") {
  StopRequests requests;
  requests.on_signal(kTerm, kStopStart);
  requests.on_signal(kTerm, kStopStart + 3s);
  CHECK(requests.on_signal(kTerm, kStopStart + 4s) == StopAnswer::KillApp);
  CHECK(requests.on_signal(kTerm, kStopStart + 5s) == StopAnswer::KillApp);
}

TEST_CASE("three Ctrl-C at a terminal abandon the flush, however fast") {
  StopRequests requests;
  CHECK(requests.on_signal(kCtrlC, kStopStart) == StopAnswer::First);
  CHECK(requests.on_signal(kCtrlC, kStopStart + 100ms) == StopAnswer::Swallow);
  CHECK(requests.on_signal(kCtrlC, kStopStart + 200ms) == StopAnswer::AbandonFlush);
}

TEST_CASE("a SIGINT from a program never abandons the flush") {
  StopRequests requests;
  for (int i = 0; i < 20; ++i) {
    CHECK(requests.on_signal({.number = SIGINT}, kStopStart + i * 1s) != StopAnswer::AbandonFlush);
  }
}

}  // namespace
}  // namespace walwrap::supervisor
