// The last hour of one database: its lag and its uploads. Pure; fed by the control thread at each
// of its checks.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "walwrap/base/types.hpp"

namespace walwrap::control {

// The counters only grow.
struct Sample {
  MonoTime at{};
  std::chrono::milliseconds lag{0};
  std::uint64_t uploads = 0;
  Bytes uploaded = 0;
};

struct Throughput {
  double bytes_per_second = 0;
  double uploads_per_second = 0;
};

class History {
 public:
  static constexpr std::chrono::seconds kKept{3'600};
  static constexpr std::chrono::seconds kSlot{10};  // one sample each, of its worst lag

  void add(const Sample& sample);
  // Oldest first. The last check is the newest.
  const std::deque<Sample>& samples() const { return samples_; }
  // Over the last minute, or the part of it that is known.
  Throughput throughput() const;

 private:
  std::deque<Sample> samples_;
  MonoTime slot_{};
};

}  // namespace walwrap::control
