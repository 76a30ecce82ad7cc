#include "walwrap/os/fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <utility>

namespace walwrap::os {
namespace {

int open_null() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

TEST_CASE("a descriptor is closed when its owner is destroyed") {
  int number = -1;
  {
    const Fd fd(open_null());
    number = fd.get();
    CHECK(fd.is_open());
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("moving a descriptor leaves its source empty and open") {
  Fd source(open_null());
  const int number = source.get();
  Fd target(std::move(source));
  CHECK_FALSE(source.is_open());
  CHECK(target.get() == number);
  CHECK(is_open(number));
}

TEST_CASE("assigning to a descriptor closes the old one") {
  Fd first(open_null());
  Fd second(open_null());
  const int replaced = first.get();
  const int kept = second.get();
  first = std::move(second);
  CHECK(first.get() == kept);
  CHECK_FALSE(is_open(replaced));
  CHECK(is_open(kept));
}

TEST_CASE("a released descriptor is no longer closed") {
  int number = -1;
  {
    Fd fd(open_null());
    number = fd.release();
    CHECK_FALSE(fd.is_open());
  }
  CHECK(is_open(number));
  const Fd taken(number);
}

}  // namespace
}  // namespace walwrap::os
