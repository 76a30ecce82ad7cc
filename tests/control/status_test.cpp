#include "walwrap/control/status.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

TEST_CASE("the last upload is expected to take as long as the one before, or longer for more") {
  replication::ReplicatorStatus status;
  CHECK(predict_flush(status) == std::chrono::milliseconds(0));
  status.last_put = std::chrono::milliseconds(40);
  CHECK(predict_flush(status) == std::chrono::milliseconds(40));
  status.uploads.bytes = 1'000;
  status.uploads.took.observe(2.0);
  status.lag_bytes = 500;
  CHECK(predict_flush(status) == std::chrono::milliseconds(1'040));
}

}  // namespace
}  // namespace walwrap::control
