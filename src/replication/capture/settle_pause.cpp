#include "walwrap/replication/capture/settle_pause.hpp"

#include <algorithm>

namespace walwrap::replication {
namespace {

// An app that comes back this soon after a close opens the database for each transaction.
constexpr std::chrono::milliseconds kSoon{500};
constexpr std::chrono::milliseconds kRetry{5};

}  // namespace

void SettlePause::on_back(MonoTime now) {
  const auto closed = unused_since_ ? unused_since_ : settled_;
  if (!closed) return;
  needed_ = now - *closed < kSoon ? std::min<std::chrono::nanoseconds>(needed_ * 2, kLongest)
                                  : std::max<std::chrono::nanoseconds>(needed_ / 2, kShortest);
  unused_since_.reset();
  settled_.reset();
}

bool SettlePause::on_look(Use use, MonoTime last_commit, MonoTime now) {
  const auto closed = unused_since_ ? unused_since_ : settled_;
  const bool has_committed = closed && last_commit > *closed;
  if (use == Use::InUse || has_committed) on_back(now);
  may_be_unused_ = use == Use::Unused;
  if (!may_be_unused_) return false;
  if (!unused_since_) unused_since_ = has_committed ? last_commit : now;
  next_look_ = *unused_since_ + needed_;
  return now >= next_look_;
}

void SettlePause::on_settle(bool done, MonoTime now) {
  may_be_unused_ = !done;
  next_look_ = now + kRetry;
  if (!done) return;
  settled_ = unused_since_;
  unused_since_.reset();
}

}  // namespace walwrap::replication
