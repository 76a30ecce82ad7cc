#include "walwrap/sqlite/lending.hpp"

namespace walwrap::sqlite {
namespace {

using std::chrono::microseconds;

constexpr microseconds kPause{20};

}  // namespace

Result<Lending> Lending::begin(CheckpointOwner& owner) {
  WW_CHECK(owner.holds_lock());
  const auto index = owner.read_index();
  if (!index) return fail(Code::Busy, "the WAL index is being written");
  const bool has_guard = TRY(owner.take_restart_guard());
  if (!has_guard) return fail(Code::Busy, "no read slot is free for the restart guard");
  Lending lending(owner);
  lending.begun_ = owner.clock().mono();
  lending.first_ = *index;
  lending.index_ = *index;
  owner.release_lock();
  return lending;
}

// If the index did not change during the capture, everything that it lists is captured.
Result<void> Lending::look(const CheckpointOwner::CaptureFn& capture) {
  const auto before = owner_->read_index();
  if (!before || before->header != captured_) TRY(capture());
  const auto after = owner_->read_index();
  if (!before || !after) return {};
  index_ = *after;
  if (before->header == after->header) captured_ = after->header;
  return {};
}

// The whole WAL is captured and in the database file.
bool Lending::is_complete() const {
  return captured_ == index_.header && index_.header.max_frame > 0 && index_.not_backfilled() == 0;
}

bool Lending::has_checkpoint() const {
  return index_.checkpoint.attempted > first_.checkpoint.attempted;
}

// The time to wait is over.
bool Lending::is_over() const {
  const auto patience = has_checkpoint() ? kPatienceForMoment : kPatience;
  return has_restarted() || now() >= begun_ + patience;
}

// The lock is already held if the last capture failed.
Result<bool> Lending::take_lock() {
  if (owner_->holds_lock()) return true;
  return owner_->take_lock_back();
}

// True: ended. With the lock held and everything in the database file captured, no guard is needed.
Result<bool> Lending::on_growing(const CheckpointOwner::CaptureFn& capture) {
  if (is_over()) {
    const bool is_ours = TRY(take_lock());
    if (is_ours) {
      TRY(look(capture));
      return true;
    }
    // A checkpoint is running and will end soon, unless it waits for the restart guard and blocks
    // all writers.
    if (!owner_->is_written()) return false;
  }
  if (!is_complete()) return false;
  const bool has_copy_guard = TRY(owner_->take_copy_guard());
  if (!has_copy_guard) return false;
  // From here on nothing is copied: a complete WAL stays complete until the next commit.
  const auto index = owner_->read_index();
  if (!index || index->header != captured_ || index->not_backfilled() > 0) {
    owner_->release_copy_guard();
    return false;
  }
  completed_ = index->header;
  owner_->release_restart_guard();
  state_ = State::Complete;
  return on_complete();
}

// True: ended. A commit in progress may have met the restart guard, and continues in the old WAL.
Result<bool> Lending::on_complete() {
  const bool is_written = owner_->is_written();
  const auto index = owner_->read_index();
  if (!index) return false;
  index_ = *index;
  const bool is_same = index_.header == completed_;
  if (is_same && is_written && !is_over()) return false;
  if (is_same || has_restarted()) {
    const bool is_ours = TRY(take_lock());
    if (is_ours || is_same) return is_ours;
  }
  const bool has_guard = TRY(owner_->take_restart_guard());
  if (!has_guard) return false;
  owner_->release_copy_guard();
  state_ = State::Growing;
  return false;
}

Lending::Outcome Lending::outcome() const {
  if (has_restarted() || index_.not_backfilled() == 0) return Outcome::Restarts;
  if (has_checkpoint()) return Outcome::NotFinished;
  return index_.header.change != first_.header.change ? Outcome::NoCheckpoint : Outcome::NoCommit;
}

Result<Lending::Outcome> Lending::go_on(const CheckpointOwner::CaptureFn& capture) {
  const MonoTime until = now() + kPatience;
  while (true) {
    if (state_ == State::Growing) TRY(look(capture));
    const bool has_ended = TRY(state_ == State::Growing ? on_growing(capture) : on_complete());
    if (has_ended) break;
    if (now() >= until) return Outcome::Lent;
    os::pause_for(kPause);
  }
  owner_->release_restart_guard();
  owner_->release_copy_guard();
  return outcome();
}

}  // namespace walwrap::sqlite
