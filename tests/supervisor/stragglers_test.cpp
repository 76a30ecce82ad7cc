#include "walwrap/supervisor/stragglers.hpp"

#include <doctest/doctest.h>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using Answer = Stragglers::Answer;

constexpr MonoTime kStart{100s};
Timeline line_of(std::chrono::milliseconds grace) {
  return plan_timeline({.grace = grace, .need = FlushNeed::Final, .estimate = {}}, kStart);
}

TEST_CASE("an app that leaves no process behind takes no extra time") {
  Stragglers stragglers;
  CHECK(stragglers.on_look(0, line_of(30s), kStart) == Answer::Done);
}

TEST_CASE("remaining processes get two seconds to end and are then killed on every check") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  CHECK(stragglers.on_look(3, line, kStart) == Answer::Terminate);
  CHECK(stragglers.on_look(2, line, kStart + 1'999ms) == Answer::Wait);
  CHECK(stragglers.on_look(2, line, kStart + 2s) == Answer::Kill);
  CHECK(stragglers.on_look(1, line, kStart + 2'020ms) == Answer::Kill);
  CHECK(stragglers.on_look(0, line, kStart + 2'040ms) == Answer::Done);
}

TEST_CASE("remaining processes get no more time than the app had left") {
  Stragglers stragglers;
  const auto line = line_of(5s);
  const auto late = line.app_until - 300ms;
  CHECK(stragglers.on_look(1, line, late) == Answer::Terminate);
  CHECK(stragglers.on_look(1, line, late + 299ms) == Answer::Wait);
  CHECK(stragglers.on_look(1, line, late + 300ms) == Answer::Kill);
}

TEST_CASE("remaining processes are killed at once after the app's time") {
  Stragglers stragglers;
  const auto line = line_of(5s);
  CHECK(stragglers.on_look(1, line, line.app_until) == Answer::Kill);
}

TEST_CASE("a process that survives SIGKILL does not block the flush") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  CHECK(stragglers.on_look(1, line, line.app_until) == Answer::Kill);
  CHECK(stragglers.on_look(1, line, line.app_until + 999ms) == Answer::Kill);
  CHECK(stragglers.on_look(1, line, line.app_until + 1s) == Answer::GiveUp);
}

TEST_CASE("a repeated stop request shortens the time of remaining processes") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  stragglers.on_look(1, line, kStart);
  stragglers.hurry(kStart + 500ms);
  CHECK(stragglers.on_look(1, line, kStart + 500ms) == Answer::Kill);
}

}  // namespace
}  // namespace walwrap::supervisor
