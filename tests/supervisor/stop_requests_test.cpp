#include "walwrap/supervisor/stop_requests.hpp"

#include <doctest/doctest.h>

#include <csignal>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using Answer = StopRequests::Answer;

constexpr MonoTime kStart{100s};
const os::ReceivedSignal kTerm{.number = SIGTERM};
const os::ReceivedSignal kCtrlC{.number = SIGINT, .from_kernel = true};

TEST_CASE("a stop signal that is repeated within two seconds is the same request") {
  StopRequests requests;
  CHECK(requests.on_signal(kTerm, kStart) == Answer::First);
  CHECK(requests.on_signal(kTerm, kStart + 1ms) == Answer::Swallow);
  CHECK(requests.on_signal(kTerm, kStart + 1'999ms) == Answer::Swallow);
  CHECK(requests.on_signal(kTerm, kStart + 2s) == Answer::PassOn);
}

TEST_CASE("the third stop request kills the app, and so does each later one") {
  StopRequests requests;
  requests.on_signal(kTerm, kStart);
  requests.on_signal(kTerm, kStart + 3s);
  CHECK(requests.on_signal(kTerm, kStart + 4s) == Answer::KillApp);
  CHECK(requests.on_signal(kTerm, kStart + 5s) == Answer::KillApp);
}

TEST_CASE("three Ctrl-C at a terminal abandon the flush, however fast") {
  StopRequests requests;
  CHECK(requests.on_signal(kCtrlC, kStart) == Answer::First);
  CHECK(requests.on_signal(kCtrlC, kStart + 100ms) == Answer::Swallow);
  CHECK(requests.on_signal(kCtrlC, kStart + 200ms) == Answer::AbandonFlush);
}

TEST_CASE("a SIGINT from a program never abandons the flush") {
  StopRequests requests;
  for (int i = 0; i < 20; ++i) {
    CHECK(requests.on_signal({.number = SIGINT}, kStart + i * 1s) != Answer::AbandonFlush);
  }
}

}  // namespace
}  // namespace walwrap::supervisor
