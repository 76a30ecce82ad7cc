#include "walwrap/os/clock.hpp"

#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "walwrap/base/check.hpp"
#include "walwrap/os/fd.hpp"

namespace walwrap::os {
namespace {

int choose_mono_clock_id() {
  timespec now{};
  if (::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return CLOCK_MONOTONIC;
  const Fd timer(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  // Out of descriptors is no answer about the clock.
  if (!timer.is_open() && errno != EMFILE && errno != ENFILE) return CLOCK_MONOTONIC;
  return CLOCK_BOOTTIME;
}

std::chrono::nanoseconds read_clock(clockid_t id) {
  timespec now{};
  WW_CHECK(::clock_gettime(id, &now) == 0);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

int mono_clock_id() {
  static const int id = choose_mono_clock_id();
  return id;
}

MonoTime SystemClock::mono() const {
  return MonoTime(read_clock(mono_clock_id()));
}

WallTime SystemClock::wall() const {
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(read_clock(CLOCK_REALTIME)));
}

void pause_for(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  timespec left{.tv_sec = static_cast<time_t>(seconds.count()),
                .tv_nsec = static_cast<long>((duration - seconds).count())};
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  ssize_t got = 0;
  // So short a read is never split, but before the pool is ready it may be interrupted.
  do {
    got = ::getrandom(&value, sizeof value, 0);
  } while (got < 0 && errno == EINTR);
  WW_CHECK(got == static_cast<ssize_t>(sizeof value));
  return value;
}

}  // namespace walwrap::os
