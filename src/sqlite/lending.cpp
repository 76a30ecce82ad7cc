#include "walwrap/sqlite/lending.hpp"

#include <algorithm>
#include <thread>

namespace walwrap::sqlite {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Whoever sleeps between two looks gets a processor sooner than who spins; but the end of the
// writer's checkpoint is not to be missed by an app that might begin another one soon after.
constexpr microseconds kPause{20};
constexpr milliseconds kSpin{2};
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

// The writer's checkpoint has set out for the last frame that there is: as long as nobody else
// writes, nothing can be committed before it has ended.
void Lending::on_guarded() {
  const auto& [header, checkpoint] = index_;
  const auto reached = std::max(checkpoint.attempted, checkpoint.backfilled);
  if (purpose_ == Purpose::Probe || !all_captured() || header.max_frame == 0) return;
  if (reached < header.max_frame) return;
  released_ = header;
  released_at_ = now();
  state_ = State::Released;
  owner_->release_restart_guard();
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
  if (purpose_ == Purpose::Restart) return is_late || other_writer_;
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
  return any_checkpoint ? Outcome::NotFinished : Outcome::NoCheckpoint;
}

void Lending::pause() const {
  if (state_ == State::Released && now() < released_at_ + kSpin) {
    std::this_thread::yield();
  } else {
    os::pause_for(kPause);
  }
}

Result<Lending::Outcome> Lending::go_on(const CheckpointOwner::CaptureFn& capture) {
  const MonoTime until = now() + kPatience;
  while (true) {
    bool has_lock = false;
    if (is_over()) has_lock = TRY(owner_->take_lock_back());
    TRY(look(capture));
    if (has_lock) break;
    if (state_ == State::Guarded) on_guarded();
    if (state_ == State::Released) TRY(on_released());
    if (now() >= until) return Outcome::Lent;
    pause();
  }
  owner_->release_restart_guard();
  return outcome();
}

}  // namespace walwrap::sqlite
