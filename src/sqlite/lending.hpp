// Lends the checkpoint lock to writers without pauses, so that the WAL can restart.
//
// The WAL of such a writer restarts only if the writer is blocked, and an app without a busy
// timeout then gets SQLITE_BUSY. But if the lock is free, the writer checkpoints by itself after a
// commit to a WAL of some length, as it would without walwrap. Nothing is lost meanwhile, because
// one of two guards (checkpoint_owner.hpp) is always held. Under the restart guard the WAL grows
// and cannot restart. Under the copy guard no more frames get into the database file. This holds
// however often any process checkpoints or is killed, and however late this thread looks.
//
//   state     guard    lock      continues when
//   Growing   restart  an app's  everything is in the database and captured, also after the copy
//                      or free   guard was taken: the restart guard is released (Complete). Or the
//                                time is over: walwrap takes the lock (ended)
//   Complete  copy     an app's  the WAL has restarted, or no process writes, so that the next
//                      or free   commit restarts it: walwrap takes the lock (ended), or, while a
//                                process makes a checkpoint, exchanges the guards first (Growing).
//                                Or a commit in progress has made the old WAL longer: walwrap
//                                exchanges the guards (Growing)
//
// Complete lets the WAL restart once, and only after all of it was captured. Frames of the new WAL
// cannot get into the database file, so they cannot be overwritten either.
//
// Used by the capture thread while no walwrap connection reads the database. A pause between two
// calls of go_on() is safe.
#pragma once

#include <chrono>
#include <cstdint>

#include "walwrap/base/result.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/wal/index.hpp"

namespace walwrap::sqlite {

class Lending {
 public:
  enum class Outcome {
    Lent,          // not ended: call go_on() again
    Restarts,      // the whole WAL is in the database file: the next commit restarts it
    NoCommit,      // the app committed nothing meanwhile
    NoCheckpoint,  // the app committed and did not checkpoint
    NotFinished    // its checkpoints left frames, for a reader or of the next commit
  };
  // How long to wait for a commit and its checkpoint; and for the right moment, if there are
  // checkpoints: on a slow disk they are rare.
  static constexpr std::chrono::milliseconds kPatience{30};
  static constexpr std::chrono::milliseconds kPatienceForMoment{100};

  // The owner must hold the lock. Busy: the app's readers use every read mark that could be the
  // guard.
  static Result<Lending> begin(CheckpointOwner& owner);

  // For at most kPatience. If the result is not Lent, the owner has its lock again and no guard is
  // held. An error of `capture` changes nothing: call it again.
  Result<Outcome> go_on(const CheckpointOwner::CaptureFn& capture);

 private:
  enum class State { Growing, Complete };
  explicit Lending(CheckpointOwner& owner) : owner_(&owner) {}
  MonoTime now() const { return owner_->clock().mono(); }
  Result<void> look(const CheckpointOwner::CaptureFn& capture);
  bool is_complete() const;
  bool has_checkpoint() const;
  bool has_restarted() const { return index_.header.salts != first_.header.salts; }
  bool is_over() const;
  Result<bool> take_lock();
  Result<bool> on_growing(const CheckpointOwner::CaptureFn& capture);
  Result<bool> on_complete();
  Outcome outcome() const;

  CheckpointOwner* owner_;
  State state_ = State::Growing;
  MonoTime begun_{};
  IndexView first_;             // at the beginning
  IndexView index_;             // the newest that was read
  wal::IndexHeader captured_;   // everything that it lists is captured
  wal::IndexHeader completed_;  // when the restart guard was released
};

}  // namespace walwrap::sqlite
