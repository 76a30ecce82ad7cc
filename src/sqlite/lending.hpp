// Lends the checkpoint lock to a writer that never pauses, so that the WAL can begin anew.
//
// Nobody can make such a writer's WAL restart but by holding it up, and an app without a busy
// timeout then gets SQLITE_BUSY. But a single writer checkpoints by itself, inside its own commit,
// as soon as the lock is free. Nothing is lost meanwhile, because of the restart guard
// (checkpoint_owner.hpp): while we hold it the WAL grows and cannot restart.
//
//   state      guard  lock      goes on when
//   Guarded    ours   free      all is captured and the writer's checkpoint has set out for the
//                               last frame: the writer is inside its commit, it cannot write;
//                               and this thread gets a processor when it wants one. Or that
//                               checkpoint has ended, and the lock is ours again (ended)
//   Released   free   writer's  the lock is ours again (ended); the WAL has restarted (Restarted);
//                               the old WAL has grown: another writer (Guarded)
//   Restarted  ours   free      the lock is ours again (ended)
//
// To an app that checkpoints at each commit it must not be lent: between Released and Restarted it
// might begin the WAL anew twice. Purpose::Probe finds out, with the guard held all the time: the
// lock is free while a short WAL gets a few commits.
//
// Used by the capture thread while nothing of ours reads the database. Pausing between two calls of
// go_on() is safe in every state, and as short as possible in Released.
#pragma once

#include <chrono>
#include <cstdint>

#include "walwrap/base/result.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/wal/index.hpp"

namespace walwrap::sqlite {

class Lending {
 public:
  enum class Purpose { Restart, Probe };
  enum class Outcome {
    Lent,             // not ended: call go_on() again
    Restarts,         // all of the WAL is in the database: it has restarted, or will with the next
                      // commit
    NoCommit,         // the app committed nothing in that time
    NoCheckpoint,     // the app committed, and did not checkpoint
    NotFinished,      // a reader kept the app's checkpoint from the last frames
    NoProcessor,      // others had them when the guard could have been released
    SeveralWriters,   // somebody wrote while somebody else made a checkpoint
    ChecksEachCommit  // the app checkpoints a short WAL
  };
  // How long a commit and its checkpoint are waited for.
  static constexpr std::chrono::milliseconds kPatience{30};
  // Frames of a WAL that is short. SQLite's own default is a checkpoint at 1000.
  static constexpr std::uint32_t kShort = 500;

  // The lock is the owner's. Busy: the app's reads take every slot that could be the guard.
  static Result<Lending> begin(CheckpointOwner& owner, Purpose purpose);

  // For at most kPatience, longer only where the app holds the lock. The owner has its lock again
  // when this is not Lent. An error of `capture` leaves the guard held and the lock lent: go on.
  Result<Outcome> go_on(const CheckpointOwner::CaptureFn& capture);

  Purpose purpose() const { return purpose_; }

 private:
  enum class State { Guarded, Released, Restarted };
  Lending(CheckpointOwner& owner, Purpose purpose) : owner_(&owner), purpose_(purpose) {}
  MonoTime now() const { return owner_->clock().mono(); }
  Result<void> look(const CheckpointOwner::CaptureFn& capture);
  bool all_captured() const { return captured_ == index_.header; }
  bool is_writer_inside() const;
  Result<void> on_guarded();
  Result<void> on_released();
  bool is_over() const;
  Outcome outcome() const;
  void pause();

  CheckpointOwner* owner_;
  Purpose purpose_;
  State state_ = State::Guarded;
  MonoTime begun_{};
  int prompt_ = 0;             // pauses in a row that were no longer than asked
  IndexView first_;            // at the beginning
  IndexView index_;            // the newest that was read
  wal::IndexHeader captured_;  // all that it publishes is captured
  wal::IndexHeader released_;  // as it was when the guard was
  bool other_writer_ = false;
  bool was_late_ = false;
};

}  // namespace walwrap::sqlite
