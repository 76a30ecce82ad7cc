// Lends the checkpoint lock to writers that never pause, so that the WAL can restart.
//
// Only blocking such a writer makes its WAL restart, and an app without a busy
// timeout then gets SQLITE_BUSY. But with the lock free a writer checkpoints by itself, after each
// commit of its own to a WAL of some length, as it would without us. Nothing is lost meanwhile,
// because one of two guards (checkpoint_owner.hpp) is ours all the time: under the restart guard
// the WAL grows and cannot restart, under the copy guard no more frames get into the
// database. That holds however often any process checkpoints or is killed, and however late this
// thread looks.
//   state     guard    lock     continues when
//   Growing   restart  theirs,  everything is in the database and captured, and still is under the
//                      or free  copy guard: the restart guard goes (Complete). Or it takes too
//                               long, and the lock is ours again (ended)
//   Complete  copy     theirs,  the WAL has restarted, or nobody writes, so that the next commit
//                      or free  does that: the lock is taken (ended), or, where a process is at a
//                               checkpoint, after an exchange of the guards (Growing, and over).
//                               Or the commit that was under way has made the old WAL longer: an
//                               exchange of the guards (Growing)
//
// Complete lets the WAL restart once, and only after all of it was captured: what comes into the
// new one cannot get into the database, and so cannot be written over.
//
// Used by the capture thread while nothing of ours reads the database. Pausing between two calls of
// go_on() is safe.
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
    Restarts,      // all of the WAL is in the database: it restarts with the next commit
    NoCommit,      // the app committed nothing in that time
    NoCheckpoint,  // the app committed, and did not checkpoint
    NotFinished    // its checkpoints left frames: a reader's, or those of the next commit
  };
  // How long a commit and its checkpoint are waited for; and the right moment, where there are
  // checkpoints: on a slow disk there are few of them.
  static constexpr std::chrono::milliseconds kPatience{30};
  static constexpr std::chrono::milliseconds kPatienceForMoment{100};

  // The lock is the owner's. Busy: the app's reads take every slot that could be the guard.
  static Result<Lending> begin(CheckpointOwner& owner);

  // For at most kPatience. The owner has its lock again, and no guard, when this is not Lent. An
  // error of `capture` changes nothing: continue.
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
  wal::IndexHeader captured_;   // all that it publishes is captured
  wal::IndexHeader completed_;  // when the restart guard went
};

}  // namespace walwrap::sqlite
