#include "walwrap/base/histogram.hpp"

#include <doctest/doctest.h>

namespace walwrap {
namespace {

TEST_CASE("a histogram counts a value at each bound that the value does not exceed") {
  Histogram<2> histogram({1.0, 10.0});
  for (const double value : {0.5, 1.0, 5.0, 11.0}) histogram.observe(value);
  CHECK(histogram.cumulative(0) == 2);
  CHECK(histogram.cumulative(1) == 3);
  CHECK(histogram.cumulative(2) == 4);
  CHECK(histogram.sum() == doctest::Approx(17.5));
}

}  // namespace
}  // namespace walwrap
