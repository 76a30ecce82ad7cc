// When to checkpoint, when to lend the app the lock, and when to block writers. Pure; owned by the
// capture thread.
//
// A passive checkpoint (called a pass here) runs in the first quiet moment with frames left, and
// between two commits after enough writes since the last one. A writer below full speed leaves
// pauses that are long enough: the pass ends before the next commit, which then restarts the WAL.
// If several passes in a row failed to do so, there are no such pauses, and past a limit the WAL is
// restarted in one of two ways:
// - the lock is lent (sqlite/lending.hpp), and the app makes the checkpoint inside a commit of its
//   own, as it would without walwrap. No writer is blocked, and a slow disk slows down the writer;
// - if that does not work (an app that makes no checkpoints, writers that leave no moment between a
//   checkpoint and a commit, a missed commit), a blocking checkpoint: walwrap holds the write lock
//   for the last few frames. An app without a busy timeout may get SQLITE_BUSY.
//
// The limit is the hard limit, or the reuse limit if the last time was long ago. While the WAL file
// grows, every synchronous=FULL commit also commits the file system's journal, and a long file
// costs more than a short one. Restarting a short WAL costs the least.
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
  std::chrono::milliseconds retry{1000};  // after readers limited a pass, in a time without writes
  Bytes hard_limit = 64ULL << 20;         // of WAL
  Bytes reuse_limit = 8ULL << 20;         // of WAL, between two restarts that are reuse_gap apart
  std::chrono::milliseconds reuse_gap{100};
  std::chrono::milliseconds blocking_gap{20};  // between two blocking checkpoints, or two lendings
  // Between two lendings that are not forced. Each one costs the app the fsyncs of a checkpoint.
  // They begin at three quarters of the hard limit, because the WAL grows until the app's
  // checkpoint begins.
  std::chrono::milliseconds lend_gap{250};
  int gap_tries = 6;                               // failed passes in a row that mean: no pauses
  std::chrono::milliseconds gap_pause{5};          // between two of them
  std::chrono::milliseconds first_no_gaps{1'000};  // until passes are tried again; doubles
  std::chrono::milliseconds most_no_gaps{60'000};
  std::chrono::milliseconds first_no_lending{1'000};  // after a failure; doubles
  std::chrono::milliseconds most_no_lending{60'000};
  BlockingCheckpoints blocking_checkpoints = BlockingCheckpoints::Auto;
};

struct WalView {
  wal::Salts salts;
  std::uint32_t max_frame = 0;
  std::uint32_t not_backfilled = 0;
  Bytes bytes = 0;        // up to max_frame
  bool pinned = false;    // by a long reader: the WAL could not restart now
  bool own_read = false;  // by a snapshot of walwrap
};

// The result of a time in which the lock was lent; see sqlite::Lending.
enum class Lent {
  Restarts,      // the WAL restarts
  Nothing,       // no commit came
  NoCheckpoint,  // the app wrote and made no checkpoint
  NotFinished,   // a reader limited the checkpoint, or a commit was always in progress
};

class CheckpointPolicy {
 public:
  enum class Action {
    None,
    Pass,
    PassAfterCommit,  // right after the next commit, when a pause begins
    Lend,
    BlockWriters,
    RecallSnapshot,  // walwrap's own read holds the WAL, which is too long
  };

  explicit CheckpointPolicy(CheckpointLimits limits) : limits_(limits) {}
  Action decide(const WalView& view, MonoTime last_commit, MonoTime now) const;
  // `left`: frames that are still not in the database afterwards.
  void on_pass(const WalView& before, std::uint32_t left, MonoTime now);
  void on_blocking_checkpoint(MonoTime now);
  void on_lent(Lent ended, const WalView& before, MonoTime now);
  bool is_at_full_speed(MonoTime now) const { return now < no_gaps_until_; }
  // Never lend again: a commit was missed, or a missed commit could not be detected.
  void forbid_lending() { lending_allowed_ = false; }
  // When decide() may give another result without a write. Never later than needed.
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
  MonoTime restarted_at_{};  // the newest blocking checkpoint or lending

  int gap_misses_ = 0;  // passes in a row that ended after the next commit
  MonoTime no_gaps_since_{};
  MonoTime no_gaps_until_{};  // passes between commits have failed until now
  std::chrono::milliseconds no_gaps_for_{0};

  bool lending_allowed_ = true;
  std::uint32_t lend_from_ = 0;  // frames: below this length the app makes no checkpoint
  MonoTime no_lending_until_{};
  std::chrono::milliseconds no_lending_for_{0};
  int not_finished_ = 0;  // in a row
};

}  // namespace walwrap::replication
