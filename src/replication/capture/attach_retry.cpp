#include "walwrap/replication/capture/attach_retry.hpp"

#include <algorithm>
#include <utility>

namespace walwrap::replication {
namespace {

constexpr std::chrono::milliseconds kBusyRetry{100};
constexpr std::chrono::milliseconds kFinishingRetry{100};

}  // namespace

bool AttachRetry::on_absent(MonoTime now, std::chrono::nanoseconds pause) {
  next_ = now + pause;
  has_failed_ = false;
  backoff_.reset();
  if (!absent_since_) absent_since_ = now;
  if (now - *absent_since_ < kPatience) return false;
  return !std::exchange(has_said_, true);
}

void AttachRetry::on_busy(MonoTime now) {
  next_ = now + kBusyRetry;
  absent_since_.reset();
}

void AttachRetry::on_failure(const File& file, MonoTime now) {
  failed_ = file;
  has_failed_ = true;
  absent_since_.reset();
  if (is_finishing_) ++failed_at_end_;
  // Without jitter: no other process retries at the same time.
  const auto ceiling = static_cast<std::uint64_t>(backoff_.next_ceiling().count());
  auto delay = backoff_.next_delay(ceiling);
  if (is_finishing_) delay = std::min(delay, kFinishingRetry);
  next_ = now + delay;
}

void AttachRetry::on_attached() {
  has_failed_ = false;
  backoff_.reset();
  absent_since_.reset();
  has_said_ = false;
}

void AttachRetry::on_detached(MonoTime now, std::chrono::nanoseconds after) {
  next_ = is_finishing_ ? now : now + after;
}

bool AttachRetry::on_news(const File& file, MonoTime now) {
  if (has_failed_ && failed_ == file) return false;
  if (has_failed_) backoff_.reset();
  next_ = std::min(next_, now);
  return has_failed_;
}

bool AttachRetry::on_finishing(MonoTime now) {
  if (std::exchange(is_finishing_, true)) return false;
  next_ = now;
  return true;
}

}  // namespace walwrap::replication
