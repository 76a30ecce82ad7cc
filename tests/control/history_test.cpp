#include "walwrap/control/history.hpp"

#include <doctest/doctest.h>

namespace walwrap::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Sample sample_at(int second, int lag_ms, std::uint64_t uploads = 0) {
  return {.at = MonoTime(seconds(second)),
          .lag = milliseconds(lag_ms),
          .uploads = uploads,
          .uploaded = uploads * 100};
}

TEST_CASE("the history keeps the worst value of each ten seconds for an hour") {
  History history;
  for (int second = 0; second < 3 * 3'600; ++second) {
    history.add(sample_at(second, second % 10 == 3 ? 700 : 5));
  }
  CHECK(history.samples().size() >= 360);
  CHECK(history.samples().size() <= 361);
  for (const Sample& sample : history.samples()) CHECK(sample.lag == milliseconds(700));
  CHECK(history.samples().back().at == MonoTime(seconds(3 * 3'600 - 1)));
}

TEST_CASE("throughput covers the last minute") {
  History history;
  CHECK(history.throughput().bytes_per_second == 0);
  for (int second = 0; second <= 600; ++second)
    history.add(sample_at(second, 0, 1'000));  // long ago
  for (int second = 601; second <= 680; ++second) {
    history.add(sample_at(second, 0, 1'000 + 2 * static_cast<std::uint64_t>(second - 600)));
  }
  CHECK(history.throughput().uploads_per_second == doctest::Approx(2.0).epsilon(0.05));
  CHECK(history.throughput().bytes_per_second == doctest::Approx(200.0).epsilon(0.05));
}

TEST_CASE("in the first minute throughput covers the time that has passed") {
  History history;
  history.add(sample_at(100, 0, 0));
  CHECK(history.throughput().uploads_per_second == 0);  // one look is no rate
  history.add(sample_at(101, 0, 5));
  CHECK(history.throughput().uploads_per_second == doctest::Approx(5.0));
  history.add(sample_at(110, 0, 20));
  CHECK(history.throughput().uploads_per_second == doctest::Approx(2.0));
}

}  // namespace
}  // namespace walwrap::control
