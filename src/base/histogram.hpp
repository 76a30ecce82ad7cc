// Counts of values by size for monitoring: how many values were at most each bound. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace walwrap {

template <std::size_t N>
class Histogram {
 public:
  explicit Histogram(const std::array<double, N>& bounds) : bounds_(bounds) {}

  void observe(double value) {
    std::size_t at = 0;
    while (at < N && value > bounds_[at]) ++at;
    ++counts_[at];
    sum_ += value;
  }

  const std::array<double, N>& bounds() const { return bounds_; }
  // Of values at most bounds()[i]; i == N: of all.
  std::uint64_t cumulative(std::size_t i) const {
    std::uint64_t total = 0;
    for (std::size_t at = 0; at <= i; ++at) total += counts_[at];
    return total;
  }
  std::uint64_t count() const { return cumulative(N); }
  double sum() const { return sum_; }

 private:
  std::array<double, N> bounds_;
  std::array<std::uint64_t, N + 1> counts_{};
  double sum_ = 0;
};

}  // namespace walwrap
