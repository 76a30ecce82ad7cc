#include "walwrap/control/history.hpp"

#include <algorithm>

namespace walwrap::control {
namespace {

constexpr std::chrono::seconds kRecent{60};

}  // namespace

void History::add(const Sample& sample) {
  // The first sample is kept unchanged, because rates begin there.
  if (samples_.size() > 1 && sample.at < slot_ + kSlot) {
    const auto worst = std::max(samples_.back().lag, sample.lag);
    samples_.back() = sample;
    samples_.back().lag = worst;
    return;
  }
  slot_ = sample.at;
  samples_.push_back(sample);
  while (samples_.front().at + kKept < sample.at) samples_.pop_front();
}

Throughput History::throughput() const {
  if (samples_.size() < 2) return {};
  const Sample& last = samples_.back();
  // From the end of the last slot that is a minute old, or from the oldest slot.
  const Sample* first = &samples_.front();
  for (const Sample& sample : samples_) {
    if (sample.at + kRecent <= last.at) first = &sample;
  }
  const double seconds = std::chrono::duration<double>(last.at - first->at).count();
  if (seconds <= 0) return {};
  return {.bytes_per_second = static_cast<double>(last.uploaded - first->uploaded) / seconds,
          .uploads_per_second = static_cast<double>(last.uploads - first->uploads) / seconds};
}

}  // namespace walwrap::control
