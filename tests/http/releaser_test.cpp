#include "walwrap/http/releaser.hpp"

#include <doctest/doctest.h>

#include <memory>

namespace walwrap::http {
namespace {

int ended = 0;
void end(void* /*handle*/) {
  ++ended;
}

TEST_CASE("an object of a C library is released once, by the library's own function") {
  int object = 0;
  {
    const std::unique_ptr<void, Releaser<end>> owner(&object);
    const std::unique_ptr<void, Releaser<end>> none;
    CHECK(ended == 0);
  }
  CHECK(ended == 1);
}

}  // namespace
}  // namespace walwrap::http
