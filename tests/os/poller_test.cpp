#include "walwrap/os/poller.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <set>
#include <thread>

#include "tests/support/in_child.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/thread.hpp"

namespace walwrap::os {
namespace {

using std::chrono::milliseconds;
using testing::in_child;

const SystemClock kClock;

// Long enough that a test which waits for it is seen to hang.
MonoTime far_away() {
  return kClock.mono() + std::chrono::minutes(10);
}

TEST_CASE("a poller identifies the ready descriptor by its token") {
  Poller poller = Poller::create().value();
  Wakeup quiet = Wakeup::create().value();
  Wakeup ready = Wakeup::create().value();
  REQUIRE(poller.add(quiet.descriptor(), 1).has_value());
  REQUIRE(poller.add(ready.descriptor(), 2).has_value());
  ready.notify();

  const auto events = poller.wait(far_away()).value();
  REQUIRE(events.size() == 1);
  CHECK(events[0].token == 2);
  CHECK(events[0].readable);
  CHECK_FALSE(events[0].hung_up);
}

TEST_CASE("a descriptor that is not read is reported again") {
  Poller poller = Poller::create().value();
  Wakeup wakeup = Wakeup::create().value();
  REQUIRE(poller.add(wakeup.descriptor(), 7).has_value());
  wakeup.notify();
  for (int i = 0; i < 3; ++i) CHECK(poller.wait(far_away()).value().size() == 1);
  wakeup.drain();
  CHECK(poller.wait(kClock.mono()).value().empty());
}

TEST_CASE("a poller waits until the deadline and not less") {
  const std::string result = in_child([] {
    Poller poller = Poller::create().value();
    std::string text;
    for (const milliseconds distance : {milliseconds(0), milliseconds(1), milliseconds(20)}) {
      const MonoTime deadline = kClock.mono() + distance;
      if (!poller.wait(deadline).value().empty()) text += "something ready ";
      text += kClock.mono() >= deadline ? "passed " : "early ";
    }
    return text;
  });
  CHECK(result == "passed passed passed ");
}

TEST_CASE("a deadline that has passed ends the wait, however often it is given") {
  const std::string result = in_child([] {
    Poller poller = Poller::create().value();
    const MonoTime passed = kClock.mono() - milliseconds(5);
    std::string text;
    for (const MonoTime deadline :
         {passed, passed, passed, MonoTime{}, MonoTime{}, MonoTime(std::chrono::nanoseconds(-1))}) {
      text += poller.wait(deadline).value().empty() ? "passed " : "something ready ";
    }
    return text;
  });
  CHECK(result == "passed passed passed passed passed passed ");
}

TEST_CASE("a wait without a deadline ignores an earlier deadline") {
  Poller poller = Poller::create().value();
  Wakeup wakeup = Wakeup::create().value();
  REQUIRE(poller.add(wakeup.descriptor(), 1).has_value());
  wakeup.notify();
  REQUIRE(poller.wait(kClock.mono() + milliseconds(20)).value().size() == 1);
  wakeup.drain();

  const Thread later(
      "later",
      [&] {
        std::this_thread::sleep_for(milliseconds(60));
        wakeup.notify();
      },
      [](std::string_view) {});
  CHECK(poller.wait(std::nullopt).value().size() == 1);
}

TEST_CASE("a descriptor whose other end is closed is reported as hung up") {
  Poller poller = Poller::create().value();
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  REQUIRE(poller.add(reader.get(), 5).has_value());
  CHECK(poller.wait(kClock.mono()).value().empty());

  writer.reset();
  const auto events = poller.wait(far_away()).value();
  REQUIRE(events.size() == 1);
  CHECK(events[0].hung_up);
}

TEST_CASE("a removed descriptor is not reported") {
  Poller poller = Poller::create().value();
  Wakeup wakeup = Wakeup::create().value();
  REQUIRE(poller.add(wakeup.descriptor(), 1).has_value());
  wakeup.notify();
  REQUIRE(poller.remove(wakeup.descriptor()).has_value());
  CHECK(poller.wait(kClock.mono()).value().empty());
  CHECK_FALSE(poller.remove(wakeup.descriptor()).has_value());
}

TEST_CASE("more ready descriptors than fit in one wait are all reported in later waits") {
  constexpr std::uint64_t kMany = 100;
  Poller poller = Poller::create().value();
  std::vector<Wakeup> wakeups;
  for (std::uint64_t token = 0; token < kMany; ++token) {
    wakeups.push_back(Wakeup::create().value());
    REQUIRE(poller.add(wakeups.back().descriptor(), token).has_value());
    wakeups.back().notify();
  }
  std::set<std::uint64_t> seen;
  for (std::uint64_t waits = 0; waits < kMany && seen.size() < kMany; ++waits) {
    for (const Poller::Ready& ready : poller.wait(far_away()).value()) {
      seen.insert(ready.token);
      wakeups[ready.token].drain();
    }
  }
  CHECK(seen.size() == kMany);
}

TEST_CASE("waiting for a regular file is an error that says so") {
  Poller poller = Poller::create().value();
  const Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const auto added = poller.add(file.get(), 1);
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().text.starts_with("epoll_ctl descriptor "));
}

}  // namespace
}  // namespace walwrap::os
