#include "walwrap/replication/upload/pace.hpp"

#include <algorithm>

#include "walwrap/base/check.hpp"

namespace walwrap::replication {

Pace::Pace(Options options) : options_(options) {
  WW_CHECK(options_.interval >= std::chrono::nanoseconds::zero() && options_.burst >= 1);
  for (const int percent : {options_.max_share_percent, options_.steady_share_percent}) {
    WW_CHECK(percent >= 1 && percent <= 100);
  }
}

MonoTime Pace::next_allowed(MonoTime now) const {
  if (is_hurried_) return now;
  // A token is available while the debt is at most what `burst - 1` saved tokens pay for.
  return std::max(now, full_at_ - options_.interval * (options_.burst - 1));
}

void Pace::on_upload(MonoTime started, std::chrono::nanoseconds took, Writer writer) {
  const int percent =
      writer == Writer::Pauses ? options_.max_share_percent : options_.steady_share_percent;
  // The division comes first, so a long upload cannot overflow.
  const auto share = took / percent * 100;
  const auto price = std::max(options_.interval, std::min(share, options_.longest));
  full_at_ = std::max(full_at_, started) + price;
}

}  // namespace walwrap::replication
