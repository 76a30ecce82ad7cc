#include "walwrap/replication/checkpoint.hpp"

#include <algorithm>

namespace walwrap::replication {

bool CheckpointPolicy::is_new_since_pass(const WalView& view) const {
  return !(view.salts == passed_salts_) || view.max_frame != passed_frame_;
}

CheckpointPolicy::Action CheckpointPolicy::decide(const WalView& view, MonoTime last_commit,
                                                  MonoTime now) const {
  if (view.not_backfilled == 0) return Action::None;
  const bool quiet = now - last_commit >= limits_.quiet;
  if (quiet && (is_new_since_pass(view) || now - passed_at_ >= limits_.retry)) return Action::Pass;
  const bool is_rare = now - braked_at_ >= limits_.reuse_gap;
  const Bytes limit =
      is_rare ? std::min(limits_.reuse_limit, limits_.hard_limit) : limits_.hard_limit;
  const bool too_long = limits_.brake == Brake::Auto && view.bytes > limit;
  if (too_long && !quiet && !view.pinned && now - braked_at_ >= limits_.brake_gap) {
    return Action::Brake;
  }
  const bool same_log = view.salts == passed_salts_ && view.max_frame >= passed_frame_;
  const std::uint32_t written = same_log ? view.max_frame - passed_frame_ : view.max_frame;
  return written >= limits_.pass_pages ? Action::Pass : Action::None;
}

void CheckpointPolicy::on_pass(const WalView& before, MonoTime now) {
  passed_salts_ = before.salts;
  passed_frame_ = before.max_frame;
  passed_at_ = now;
}

void CheckpointPolicy::on_brake(MonoTime now) {
  braked_at_ = now;
}

MonoTime CheckpointPolicy::next_look(const WalView& view, MonoTime last_commit,
                                     MonoTime now) const {
  if (view.not_backfilled == 0) return MonoTime::max();
  const MonoTime quiet_from = last_commit + limits_.quiet;
  if (now < quiet_from) return quiet_from;
  return is_new_since_pass(view) ? now : std::max(now, passed_at_ + limits_.retry);
}

}  // namespace walwrap::replication
