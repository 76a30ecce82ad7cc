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

TEST_CASE("an app that leaves no process behind costs no time") {
  Stragglers stragglers;
  CHECK(stragglers.on_look(0, line_of(30s), kStart) == Answer::Done);
}

TEST_CASE("what is left behind gets two seconds to end, then is killed on every look") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  CHECK(stragglers.on_look(3, line, kStart) == Answer::Terminate);
  CHECK(stragglers.on_look(2, line, kStart + 1'999ms) == Answer::Wait);
  CHECK(stragglers.on_look(2, line, kStart + 2s) == Answer::Kill);
  CHECK(stragglers.on_look(1, line, kStart + 2'020ms) == Answer::Kill);
  CHECK(stragglers.on_look(0, line, kStart + 2'040ms) == Answer::Done);
}

TEST_CASE("what is left behind gets no more than the app had left") {
  Stragglers stragglers;
  const auto line = line_of(5s);
  const auto late = line.app_until - 300ms;
  CHECK(stragglers.on_look(1, line, late) == Answer::Terminate);
  CHECK(stragglers.on_look(1, line, late + 299ms) == Answer::Wait);
  CHECK(stragglers.on_look(1, line, late + 300ms) == Answer::Kill);
}

TEST_CASE("what is left behind after the app's time is killed at once") {
  Stragglers stragglers;
  const auto line = line_of(5s);
  CHECK(stragglers.on_look(1, line, line.app_until) == Answer::Kill);
}

TEST_CASE("what survives SIGKILL does not hold up the flush for ever") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  CHECK(stragglers.on_look(1, line, line.app_until) == Answer::Kill);
  CHECK(stragglers.on_look(1, line, line.app_until + 999ms) == Answer::Kill);
  CHECK(stragglers.on_look(1, line, line.app_until + 1s) == Answer::GiveUp);
}

TEST_CASE("an impatient host shortens the time of what is left behind") {
  Stragglers stragglers;
  const auto line = line_of(30s);
  stragglers.on_look(1, line, kStart);
  stragglers.hurry(kStart + 500ms);
  CHECK(stragglers.on_look(1, line, kStart + 500ms) == Answer::Kill);
}

}  // namespace
}  // namespace walwrap::supervisor
