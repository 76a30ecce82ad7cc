#include "walwrap/client/time_limit.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace walwrap::client {
namespace {

struct Pair {
  std::array<int, 2> ends{};
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0); }
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
};

TEST_CASE("a wait ends when the descriptor is ready or the time is over") {
  const Pair pair;
  const TimeLimit short_one(mono_now() + milliseconds(20), {});
  CHECK(short_one.wait(pair.ends[0], POLLIN) == Wake::Late);
  CHECK(short_one.left() == milliseconds(0));
  REQUIRE(::write(pair.ends[1], "x", 1) == 1);
  CHECK(short_one.wait(pair.ends[0], POLLIN) == Wake::Ready);
}

TEST_CASE("a pause longer than the remaining time is not started") {
  const TimeLimit patience(mono_now() + milliseconds(200), {});
  CHECK(patience.pause(milliseconds(1)) == Wake::Ready);
  const auto before = mono_now();
  CHECK(patience.pause(milliseconds(10'000)) == Wake::Late);
  CHECK(mono_now() - before < milliseconds(100));
}

TEST_CASE("the progress handler is called during a wait and can end it") {
  const Pair pair;
  int asked = 0;
  const auto third_time = [](void* context) {
    auto& count = *static_cast<int*>(context);
    return ++count == 3 ? 1 : 0;
  };
  const TimeLimit patience(mono_now() + milliseconds(60'000), {third_time, &asked});
  CHECK(patience.wait(pair.ends[0], POLLIN) == Wake::Interrupted);
  CHECK(asked == 3);
}

}  // namespace
}  // namespace walwrap::client
