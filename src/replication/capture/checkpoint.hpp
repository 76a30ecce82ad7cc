// When to checkpoint, when to lend the app the lock, and when to block writers. Pure; owned by the
// capture thread.
//
// A passive checkpoint (a "pass" below) runs in the first quiet moment with frames left, and
// between two commits when enough has been written since the last one. A writer that is not at full
// speed leaves long enough pauses: the pass ends before the next commit, which then restarts the
// WAL. If several passes in a row did not, there are no such pauses, and past a limit the WAL is
// restarted in one of two ways:
// - the lock is lent (sqlite/lending.hpp), and the app makes the checkpoint inside a commit of its
//   own, as it would without us. No writer is blocked, and a slow disk slows the writer, not the
//   WAL;
// - where that does not work (an app that makes no checkpoints, writers that leave no moment
//   between a checkpoint and a commit, a missed commit), a blocking checkpoint (the brake): the
//   write lock, for the last few frames. An app without a busy timeout sees SQLITE_BUSY if it meets
//   it.
// The limit is the hard limit, or the reuse limit if the last time was long ago: while the WAL file
// grows, every synchronous=FULL commit also commits the file system's journal, and a long file
// costs more than a short one; restarting a short WAL costs the least.
#pragma once

#include <chrono>
#include <cstdint>

#include "walwrap/base/types.hpp"
#include "walwrap/wal/format.hpp"

namespace walwrap::replication {

enum class BlockingCheckpoints { Auto, Never };

struct CheckpointLimits {
  std::uint32_t pass_pages = 1000;        // SQLite's own default for automatic checkpoints
  std::chrono::milliseconds quiet{100};   // without a commit
  std::chrono::milliseconds retry{1000};  // in a quiet time that readers kept a pass from using
  Bytes hard_limit = 64ULL << 20;         // of WAL
  Bytes reuse_limit = 8ULL << 20;         // of WAL, between two restarts that are reuse_gap apart
  std::chrono::milliseconds reuse_gap{100};
  std::chrono::milliseconds brake_gap{20};  // between two brakes, or two lendings
  // Between two lendings that are not forced: each costs the app the fsyncs of a checkpoint. They
  // are at three quarters of the hard limit, for the WAL grows until the checkpoint begins.
  std::chrono::milliseconds lend_gap{250};
  int gap_tries = 6;                               // passes in a row, before there are no gaps
  std::chrono::milliseconds gap_pause{5};          // between two of them
  std::chrono::milliseconds first_no_gaps{1'000};  // until passes are tried again; doubles
  std::chrono::milliseconds most_no_gaps{60'000};
  std::chrono::milliseconds first_no_lending{1'000};  // where it does not work; doubles
  std::chrono::milliseconds most_no_lending{60'000};
  BlockingCheckpoints blocking_checkpoints = BlockingCheckpoints::Auto;
};

struct WalView {
  wal::Salts salts;
  std::uint32_t max_frame = 0;
  std::uint32_t not_backfilled = 0;
  Bytes bytes = 0;        // up to max_frame
  bool pinned = false;    // by a reader that stays: it could not restart now
  bool own_read = false;  // by a snapshot of ours
};

// How a time in which the lock was lent has ended; sqlite::Lending says more.
enum class Lent {
  Restarts,      // the WAL restarts
  Nothing,       // no commit came
  NoCheckpoint,  // the app wrote, and made none
  NotFinished,   // a read kept it from the end, or there was always a commit under way
};

class CheckpointPolicy {
 public:
  enum class Action {
    None,
    Pass,
    PassAfterCommit,  // as soon as the next commit has ended: a gap begins there
    Lend,
    Brake,
    RecallSnapshot,  // our own read keeps the WAL, which is too long
  };

  explicit CheckpointPolicy(CheckpointLimits limits) : limits_(limits) {}
  Action decide(const WalView& view, MonoTime last_commit, MonoTime now) const;
  // `left`: frames that are not in the database after it.
  void on_pass(const WalView& before, std::uint32_t left, MonoTime now);
  void on_brake(MonoTime now);
  void on_lent(Lent ended, const WalView& before, MonoTime now);
  bool is_at_full_speed(MonoTime now) const { return now < no_gaps_until_; }
  // For good: a commit was missed, or nothing would tell.
  void forbid_lending() { lending_allowed_ = false; }
  // When decide() may say something else although nothing was written; never later than needed.
  MonoTime next_look(const WalView& view, MonoTime last_commit, MonoTime now) const;

 private:
  bool is_new_since_pass(const WalView& view) const;
  std::uint32_t written_since_pass(const WalView& view) const;
  bool is_past(Bytes most, std::chrono::milliseconds gap, const WalView& view, MonoTime now) const;
  bool lending_works(const WalView& view, MonoTime now) const;
  Action in_gaps(const WalView& view, MonoTime now) const;
  Action without_gaps(const WalView& view, MonoTime now) const;

  CheckpointLimits limits_;
  wal::Salts passed_salts_;
  std::uint32_t passed_frame_ = 0;
  MonoTime passed_at_{};
  MonoTime restarted_at_{};  // the newest brake or lending

  int gap_misses_ = 0;  // passes in a row that ended after the next commit
  MonoTime no_gaps_since_{};
  MonoTime no_gaps_until_{};  // passes between commits are not worth trying
  std::chrono::milliseconds no_gaps_for_{0};

  bool lending_allowed_ = true;
  std::uint32_t lend_from_ = 0;  // frames: with fewer the app makes no checkpoint
  MonoTime no_lending_until_{};
  std::chrono::milliseconds no_lending_for_{0};
  int not_finished_ = 0;  // in a row
};

}  // namespace walwrap::replication
