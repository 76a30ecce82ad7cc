#include "walwrap/supervisor/leftovers.hpp"

#include <doctest/doctest.h>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using Answer = Leftovers::Answer;

constexpr MonoTime kStart{100s};
Timeline line_of(std::chrono::milliseconds grace) {
  return plan_timeline({.grace = grace, .need = FlushNeed::Final, .estimate = {}}, kStart);
}

TEST_CASE("nobody left behind costs no time") {
  Leftovers leftovers;
  CHECK(leftovers.on_look(0, line_of(30s), kStart) == Answer::Done);
}

TEST_CASE("what is left behind gets two seconds to end, then is killed on every look") {
  Leftovers leftovers;
  const auto line = line_of(30s);
  CHECK(leftovers.on_look(3, line, kStart) == Answer::Terminate);
  CHECK(leftovers.on_look(2, line, kStart + 1'999ms) == Answer::Wait);
  CHECK(leftovers.on_look(2, line, kStart + 2s) == Answer::Kill);
  CHECK(leftovers.on_look(1, line, kStart + 2'020ms) == Answer::Kill);
  CHECK(leftovers.on_look(0, line, kStart + 2'040ms) == Answer::Done);
}

TEST_CASE("what is left behind gets no more than the app had left") {
  Leftovers leftovers;
  const auto line = line_of(5s);
  const auto late = line.app_until - 300ms;
  CHECK(leftovers.on_look(1, line, late) == Answer::Terminate);
  CHECK(leftovers.on_look(1, line, late + 299ms) == Answer::Wait);
  CHECK(leftovers.on_look(1, line, late + 300ms) == Answer::Kill);
}

TEST_CASE("what is left behind after the app's time is killed at once") {
  Leftovers leftovers;
  const auto line = line_of(5s);
  CHECK(leftovers.on_look(1, line, line.app_until) == Answer::Kill);
}

TEST_CASE("what survives SIGKILL does not hold up the flush for ever") {
  Leftovers leftovers;
  const auto line = line_of(30s);
  CHECK(leftovers.on_look(1, line, line.app_until) == Answer::Kill);
  CHECK(leftovers.on_look(1, line, line.app_until + 999ms) == Answer::Kill);
  CHECK(leftovers.on_look(1, line, line.app_until + 1s) == Answer::GiveUp);
}

TEST_CASE("an impatient host shortens the time of what is left behind") {
  Leftovers leftovers;
  const auto line = line_of(30s);
  leftovers.on_look(1, line, kStart);
  leftovers.hurry(kStart + 500ms);
  CHECK(leftovers.on_look(1, line, kStart + 500ms) == Answer::Kill);
}

}  // namespace
}  // namespace walwrap::supervisor
