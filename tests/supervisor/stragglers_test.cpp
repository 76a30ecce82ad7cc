#include "walwrap/supervisor/stragglers.hpp"

#include <doctest/doctest.h>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using StragglerAnswer = Stragglers::Answer;

constexpr MonoTime kGraceStart{100s};
Timeline line_of(std::chrono::milliseconds grace) {
  return plan_timeline({.grace = grace, .need = FlushNeed::Final, .estimate = {}}, kGraceStart);
}

TEST_CASE("an app that leaves no process behind takes no extra time") {
  Stragglers stragglers;
  CHECK(stragglers.on_look(0, line_of(30s), kGraceStart) == StragglerAnswer::Done);
}

TEST_CASE("remaining processes get two seconds to end and are then killed on every check") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  CHECK(stragglers.on_look(3, line, kGraceStart) == StragglerAnswer::Terminate);
  CHECK(stragglers.on_look(2, line, kGraceStart + 1'999ms) == StragglerAnswer::Wait);
  CHECK(stragglers.on_look(2, line, kGraceStart + 2s) == StragglerAnswer::Kill);
  CHECK(stragglers.on_look(1, line, kGraceStart + 2'020ms) == StragglerAnswer::Kill);
  CHECK(stragglers.on_look(0, line, kGraceStart + 2'040ms) == StragglerAnswer::Done);
}

TEST_CASE("remaining processes get no more time than the app had left") {
  Stragglers stragglers;
  const auto line = line_of(5s);
  const auto late = line.app_until - 300ms;
  CHECK(stragglers.on_look(1, line, late) == StragglerAnswer::Terminate);
  CHECK(stragglers.on_look(1, line, late + 299ms) == StragglerAnswer::Wait);
  CHECK(stragglers.on_look(1, line, late + 300ms) == StragglerAnswer::Kill);
}

TEST_CASE("remaining processes are killed at once after the app's time") {
  Stragglers stragglers;
  const auto line = line_of(5s);
  CHECK(stragglers.on_look(1, line, line.app_until) == StragglerAnswer::Kill);
}

TEST_CASE("a process that survives SIGKILL does not block the flush") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  CHECK(stragglers.on_look(1, line, line.app_until) == StragglerAnswer::Kill);
  CHECK(stragglers.on_look(1, line, line.app_until + 999ms) == StragglerAnswer::Kill);
  CHECK(stragglers.on_look(1, line, line.app_until + 1s) == StragglerAnswer::GiveUp);
}

TEST_CASE("a repeated stop request shortens the time of remaining processes") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  stragglers.on_look(1, line, kGraceStart);
  stragglers.hurry(kGraceStart + 500ms);
  CHECK(stragglers.on_look(1, line, kGraceStart + 500ms) == StragglerAnswer::Kill);
}

}  // namespace
}  // namespace walwrap::supervisor
