// How long to wait before the next try: exponential, with full jitter.
//
// Pure: randomness is given in. The first delay is between 0 and `first`, each next ceiling is
// twice the one before, never above `ceiling`.
#pragma once

#include <chrono>
#include <cstdint>

namespace walwrap {

class Backoff {
 public:
  struct Limits {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds ceiling{10'000};
  };
  explicit Backoff(Limits limits) : limits_(limits) {}

  // `random` is uniform over all its values.
  std::chrono::milliseconds next_delay(std::uint64_t random);
  // The ceiling of the next delay; what a caller without randomness waits.
  std::chrono::milliseconds next_ceiling() const;
  void reset() { tries_ = 0; }

 private:
  Limits limits_;
  int tries_ = 0;
};

}  // namespace walwrap
