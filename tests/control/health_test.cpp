#include "walwrap/control/health.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

using std::chrono::seconds;

constexpr MonoTime at(int second) {
  return MonoTime{} + seconds(1'000 + second);
}
LogFace face(int writes) {
  return {
      .exists = true, .size = 4'000, .modified = WallTime{} + std::chrono::milliseconds(writes)};
}

TEST_CASE("a log that grows while everything is stored in time is healthy") {
  Watchdog dog(seconds(30));
  for (int second = 0; second < 120; ++second) {
    const auto health = dog.look(face(second), at(second - 2), "", at(second));
    CHECK(health.ok);
    CHECK(health.lag <= seconds(3));
  }
}

TEST_CASE("a write that is not stored for longer than the limit is red, and says for how long") {
  Watchdog dog(seconds(30));
  CHECK(dog.look(face(1), at(0), "", at(0)).ok);
  CHECK(dog.look(face(2), at(0), "", at(10)).ok);
  CHECK(dog.look(face(2), at(0), "", at(30)).ok);
  const auto red = dog.look(face(2), at(0), "the store is away", at(45));
  CHECK_FALSE(red.ok);
  CHECK(red.reason == "what was written 35s ago is not stored yet: the store is away");
  CHECK(red.lag == seconds(35));
}

TEST_CASE("it is green again as soon as everything is stored") {
  Watchdog dog(seconds(30));
  dog.look(face(1), at(0), "", at(0));
  dog.look(face(2), at(0), "", at(10));
  CHECK_FALSE(dog.look(face(2), at(0), "", at(60)).ok);
  CHECK(dog.look(face(2), at(61), "", at(62)).ok);
}

TEST_CASE("a pipeline that stands still is seen by the log alone") {
  Watchdog dog(seconds(30));
  dog.look(face(1), at(5), "", at(5));
  // The capture says nothing any more, not even that there is trouble; the app goes on.
  Health health;
  for (int second = 6; second < 60; ++second) {
    health = dog.look(face(second), at(5), "", at(second));
  }
  CHECK_FALSE(health.ok);
}

TEST_CASE("an idle database is healthy for ever, and so is one that is not there") {
  Watchdog dog(seconds(30));
  dog.look(face(1), at(0), "", at(0));
  dog.look(face(1), at(2), "", at(2));
  CHECK(dog.look(face(1), at(2), "", at(100'000)).ok);
  Watchdog other(seconds(30));
  other.look({}, MonoTime{}, "", at(0));
  CHECK(other.look({}, MonoTime{}, "", at(100'000)).ok);
}

TEST_CASE("a log that was there at the start counts as written then") {
  Watchdog dog(seconds(30));
  CHECK(dog.look(face(1), MonoTime{}, "", at(0)).ok);
  CHECK_FALSE(dog.look(face(1), MonoTime{}, "", at(31)).ok);
}

}  // namespace
}  // namespace walwrap::control
