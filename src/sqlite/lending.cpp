#include "walwrap/sqlite/lending.hpp"

#include <algorithm>

namespace walwrap::sqlite {
namespace {

using std::chrono::microseconds;

constexpr microseconds kPause{20};
// The guard is released only after some pauses in a row were this short: a thread that has to wait
// for a processor might take the lock back too late, after the app has begun the WAL anew twice.
constexpr microseconds kPromptly{400};
constexpr int kPrompt = 4;
constexpr std::uint32_t kProbeCommits = 3;

std::uint32_t commits_between(const wal::IndexHeader& first, const wal::IndexHeader& last) {
  return last.change - first.change;  // wraps as the count does
}

}  // namespace

Result<Lending> Lending::begin(CheckpointOwner& owner, Purpose purpose) {
  WW_CHECK(owner.holds_lock());
  const auto index = owner.read_index();
  if (!index) return fail(Code::Busy, "the WAL index is being written");
  const bool has_guard = TRY(owner.take_restart_guard());
  if (!has_guard) return fail(Code::Busy, "no read slot is free for the restart guard");
  Lending lending(owner, purpose);
  lending.begun_ = owner.clock().mono();
  lending.first_ = *index;
  lending.index_ = *index;
  owner.release_lock();
  return lending;
}

// What is captured while the index stays the same is all that it publishes.
Result<void> Lending::look(const CheckpointOwner::CaptureFn& capture) {
  const auto before = owner_->read_index();
  TRY(capture());
  const auto after = owner_->read_index();
  if (!before || !after) return {};
  index_ = *after;
  if (before->header == after->header) captured_ = after->header;
  return {};
}

// The writer's checkpoint has set out for the last frame that there is, and has not got there: as
// long as nobody else writes, nothing can be committed before it has ended.
bool Lending::is_writer_inside() const {
  const auto& [header, checkpoint] = index_;
  return header.max_frame > 0 && checkpoint.attempted >= header.max_frame &&
         checkpoint.backfilled < header.max_frame;
}

Result<void> Lending::on_guarded() {
  if (purpose_ == Purpose::Probe || !all_captured() || !is_writer_inside()) return {};
  if (prompt_ < kPrompt) {
    was_late_ = true;
    return {};
  }
  owner_->release_restart_guard();
  const auto after = owner_->read_index();
  const bool is_same = after && after->header == index_.header;
  if (is_same && after->checkpoint.backfilled < after->header.max_frame) {
    released_ = after->header;
    state_ = State::Released;
    return {};
  }
  // It has just ended. The next commit may have found the guard and be on its way into the old WAL,
  // and the one after it would overwrite that.
  const bool has_guard = TRY(owner_->take_restart_guard());
  if (has_guard) return {};
  released_ = index_.header;
  state_ = State::Released;
  return {};
}

Result<void> Lending::on_released() {
  if (index_.header.salts == released_.salts && index_.header.max_frame == released_.max_frame) {
    return {};
  }
  const bool has_guard = TRY(owner_->take_restart_guard());
  if (!has_guard) return {};
  if (index_.header.salts == released_.salts) {
    other_writer_ = other_writer_ || index_.checkpoint.backfilled < released_.max_frame;
    state_ = State::Guarded;
  } else {
    state_ = State::Restarted;
  }
  return {};
}

bool Lending::is_over() const {
  if (state_ != State::Guarded) return true;
  const bool is_late = now() >= begun_ + kPatience;
  const bool is_complete =
      all_captured() && index_.header.max_frame > 0 && index_.not_backfilled() == 0;
  if (purpose_ == Purpose::Restart) return is_late || other_writer_ || is_complete;
  return is_late || index_.checkpoint.attempted > first_.checkpoint.attempted ||
         commits_between(first_.header, index_.header) >= kProbeCommits;
}

Lending::Outcome Lending::outcome() const {
  const bool is_new_log = index_.header.salts != first_.header.salts;
  const bool any_commit = index_.header.change != first_.header.change;
  const bool any_checkpoint =
      is_new_log || index_.checkpoint.attempted > first_.checkpoint.attempted;
  if (purpose_ == Purpose::Probe) {
    if (!any_commit) return Outcome::NoCommit;
    const bool is_short = index_.header.max_frame <= kShort;
    if (any_checkpoint) return is_short ? Outcome::ChecksEachCommit : Outcome::NotFinished;
    return Outcome::NoCheckpoint;
  }
  if (is_new_log || index_.not_backfilled() == 0) return Outcome::Restarts;
  if (other_writer_) return Outcome::SeveralWriters;
  if (!any_commit) return Outcome::NoCommit;
  if (was_late_) return Outcome::NoProcessor;
  return any_checkpoint ? Outcome::NotFinished : Outcome::NoCheckpoint;
}

// Whoever sleeps between two looks gets a processor sooner than who spins. How much later than
// asked says whether others have the processors.
void Lending::pause() {
  const MonoTime before = now();
  os::pause_for(kPause);
  prompt_ = now() - before < kPromptly ? prompt_ + 1 : 0;
}

Result<Lending::Outcome> Lending::go_on(const CheckpointOwner::CaptureFn& capture) {
  const MonoTime until = now() + kPatience;
  while (true) {
    bool has_lock = owner_->holds_lock();  // where the last capture failed after it was taken
    if (!has_lock && is_over()) has_lock = TRY(owner_->take_lock_back());
    TRY(look(capture));
    if (has_lock) break;
    if (state_ == State::Guarded) TRY(on_guarded());
    if (state_ == State::Released) TRY(on_released());
    if (now() >= until) return Outcome::Lent;
    pause();
  }
  owner_->release_restart_guard();
  return outcome();
}

}  // namespace walwrap::sqlite
