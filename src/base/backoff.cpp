#include "walwrap/base/backoff.hpp"

#include <algorithm>

namespace walwrap {

std::chrono::milliseconds Backoff::next_ceiling() const {
  auto ceiling = std::min(limits_.first, limits_.ceiling);
  for (int i = 0; i < tries_ && ceiling < limits_.ceiling; ++i) {
    ceiling = ceiling > limits_.ceiling / 2 ? limits_.ceiling : ceiling * 2;
  }
  return ceiling;
}

std::chrono::milliseconds Backoff::next_delay(std::uint64_t random) {
  const auto ceiling =
      static_cast<std::uint64_t>(std::max<std::int64_t>(next_ceiling().count(), 0));
  // After 63 doublings every ceiling is reached: counting on would only overflow one day.
  tries_ = std::min(tries_ + 1, 63);
  return std::chrono::milliseconds(static_cast<std::int64_t>(random % (ceiling + 1)));
}

}  // namespace walwrap
