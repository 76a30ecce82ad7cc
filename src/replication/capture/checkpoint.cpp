#include "walwrap/replication/capture/checkpoint.hpp"

#include <algorithm>

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;

// A reader that has ended lets the next lending succeed. Readers that overlap do not.
constexpr int kMostNotFinished = 5;
// An app that did not checkpoint a WAL of this many frames may checkpoint one of twice as many.
constexpr std::uint32_t kLendFromGrowth = 2;

milliseconds doubled(milliseconds last, milliseconds first, milliseconds most) {
  return std::clamp(2 * last, first, most);
}

}  // namespace

bool CheckpointPolicy::is_new_since_pass(const WalView& view) const {
  return !(view.salts == passed_salts_) || view.max_frame != passed_frame_;
}

std::uint32_t CheckpointPolicy::written_since_pass(const WalView& view) const {
  const bool same_log = view.salts == passed_salts_ && view.max_frame >= passed_frame_;
  return same_log ? view.max_frame - passed_frame_ : view.max_frame;
}

// `most`: of WAL, however long ago the last time was. A smaller size is enough if that is longer
// ago than `gap`.
bool CheckpointPolicy::is_past(Bytes most, milliseconds gap, const WalView& view,
                               MonoTime now) const {
  const auto since = now - restarted_at_;
  const Bytes limit = since >= gap ? std::min(limits_.reuse_limit, most) : most;
  return view.bytes > limit && since >= limits_.blocking_gap;
}

// Up to the hard limit, a WAL that is too short for the app's own checkpoint is left to grow.
bool CheckpointPolicy::lending_works(const WalView& view, MonoTime now) const {
  if (!lending_allowed_ || now < no_lending_until_) return false;
  return view.max_frame >= lend_from_ || view.bytes <= limits_.hard_limit;
}

CheckpointPolicy::Action CheckpointPolicy::decide(const WalView& view, MonoTime last_commit,
                                                  MonoTime now) const {
  if (view.not_backfilled == 0) return Action::None;
  const bool quiet = now - last_commit >= limits_.quiet;
  if (quiet && (is_new_since_pass(view) || now - passed_at_ >= limits_.retry)) return Action::Pass;
  if (quiet) return Action::None;
  if (view.own_read) {
    // No checkpoint gets beyond walwrap's own read.
    return view.bytes > limits_.hard_limit ? Action::RecallSnapshot : Action::None;
  }
  if (view.pinned) {
    return written_since_pass(view) >= limits_.pass_pages ? Action::Pass : Action::None;
  }
  // A writer is blocked only if it was at full speed a moment ago.
  const MonoTime known_until =
      lending_works(view, now) ? no_gaps_until_
                               : std::min(no_gaps_until_, no_gaps_since_ + limits_.first_no_gaps);
  return now < known_until ? without_gaps(view, now) : in_gaps(view, now);
}

CheckpointPolicy::Action CheckpointPolicy::in_gaps(const WalView& view, MonoTime now) const {
  if (gap_misses_ > 0 && now - passed_at_ >= limits_.gap_pause) return Action::PassAfterCommit;
  const bool is_due = written_since_pass(view) >= limits_.pass_pages ||
                      is_past(limits_.hard_limit, limits_.reuse_gap, view, now);
  return is_due && gap_misses_ == 0 ? Action::PassAfterCommit : Action::None;
}

CheckpointPolicy::Action CheckpointPolicy::without_gaps(const WalView& view, MonoTime now) const {
  if (lending_works(view, now)) {
    const bool is_due = is_past(limits_.hard_limit / 4 * 3, limits_.lend_gap, view, now) &&
                        view.max_frame >= lend_from_;
    return is_due ? Action::Lend : Action::None;
  }
  const bool is_too_long = is_past(limits_.hard_limit, limits_.reuse_gap, view, now);
  if (limits_.blocking_checkpoints == BlockingCheckpoints::Auto && is_too_long) {
    return Action::BlockWriters;
  }
  return written_since_pass(view) >= limits_.pass_pages ? Action::Pass : Action::None;
}

void CheckpointPolicy::on_pass(const WalView& before, std::uint32_t left, MonoTime now) {
  passed_salts_ = before.salts;
  passed_frame_ = before.max_frame;
  passed_at_ = now;
  if (left == 0) {
    gap_misses_ = 0;
    no_gaps_for_ = milliseconds(0);
    return;
  }
  const bool is_known = now < no_gaps_since_ + limits_.first_no_gaps;
  if (before.own_read || before.pinned || is_known) return;
  if (++gap_misses_ < limits_.gap_tries) return;
  no_gaps_for_ = doubled(no_gaps_for_, limits_.first_no_gaps, limits_.most_no_gaps);
  no_gaps_since_ = now;
  no_gaps_until_ = now + no_gaps_for_;
  gap_misses_ = limits_.gap_tries - 2;  // the next time, two tries are enough
}

void CheckpointPolicy::on_blocking_checkpoint(MonoTime now) {
  restarted_at_ = now;
}

void CheckpointPolicy::on_lent(Lent ended, const WalView& before, MonoTime now) {
  restarted_at_ = now;
  not_finished_ = ended == Lent::NotFinished ? not_finished_ + 1 : 0;
  switch (ended) {
    case Lent::Restarts:
      no_lending_for_ = milliseconds(0);
      return;
    case Lent::Nothing:
      return;
    case Lent::NoCheckpoint:
      lend_from_ = std::max(lend_from_, kLendFromGrowth * before.max_frame);
      return;
    case Lent::NotFinished:
      if (not_finished_ < kMostNotFinished) return;
      no_lending_for_ = doubled(no_lending_for_, limits_.first_no_lending, limits_.most_no_lending);
      no_lending_until_ = now + no_lending_for_;
      return;
  }
}

MonoTime CheckpointPolicy::next_look(const WalView& view, MonoTime last_commit,
                                     MonoTime now) const {
  if (view.not_backfilled == 0) return MonoTime::max();
  const MonoTime quiet_from = last_commit + limits_.quiet;
  if (now < quiet_from) {
    return gap_misses_ > 0 && now >= no_gaps_until_ ? std::min(quiet_from, now + limits_.gap_pause)
                                                    : quiet_from;
  }
  return is_new_since_pass(view) ? now : std::max(now, passed_at_ + limits_.retry);
}

}  // namespace walwrap::replication
