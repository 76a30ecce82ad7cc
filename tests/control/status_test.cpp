#include "walwrap/control/status.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

TEST_CASE("a last upload is expected to take what the last one took, and more for a backlog") {
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
