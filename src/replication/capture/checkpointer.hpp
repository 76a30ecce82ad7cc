// Makes the checkpoints that CheckpointPolicy decides, lends the lock, and names the reader that
// limits checkpoints.
//
// Owned by the capture thread, for the life of one capture loop. The database may be attached
// several times in that life.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "walwrap/base/histogram.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/capture/blocking_readers.hpp"
#include "walwrap/replication/capture/checkpoint.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/lending.hpp"

namespace walwrap::replication {

// How long writers were blocked, in seconds.
inline constexpr std::array<double, 8> kBlockedSeconds = {.0005, .001, .0025, .005,
                                                          .01,   .025, .05,   .1};
// Since the replicator began.
struct CheckpointCounts {
  std::uint64_t passes = 0;
  Histogram<kBlockedSeconds.size()> held{kBlockedSeconds};  // writers, by blocking checkpoints
  std::uint64_t lent = 0;                                   // how often the app had the lock
  std::uint64_t restarts = 0;                               // of the WAL, in those lendings
  std::uint64_t missed_commits = 0;  // commits that SQLite counted and walwrap did not capture
};

class Checkpointer {
 public:
  // `name`: of the database, in log lines.
  Checkpointer(std::string name, CheckpointLimits limits, const os::Clock& clock, const Log& log);

  struct Situation {
    MonoTime last_commit{};
    bool snapshot_open = false;        // walwrap's own snapshot is open
    std::uint64_t missed_commits = 0;  // in this attachment
    bool can_prove = true;             // that none were
  };
  // Whether the WAL needs attention before walwrap's next read begins. A lent lock comes first.
  bool goes_first(const sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                  const Situation& situation) const;
  // Does what is due now, if anything. Errors: from the checkpoint.
  Result<void> run(sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                   const Situation& situation, const sqlite::CheckpointOwner::CaptureFn& capture);
  // walwrap's own read holds the WAL, which is too long: the read must end.
  bool wants_snapshot_back() const { return wants_snapshot_back_; }
  // The writer leaves no pause between two commits.
  bool is_at_full_speed() const { return policy_.is_at_full_speed(clock_.mono()); }
  bool is_lending() const { return lending_.has_value(); }
  // Another file was attached, or the same one again: the lock is not lent any more.
  void on_attached();
  // When run() may have work without a write. max: never.
  MonoTime next_look() const { return next_look_; }
  const CheckpointCounts& counts() const { return counts_; }

 private:
  WalView view_of(const sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                  const Situation& situation) const;
  void note_missed(const Situation& situation);
  Result<void> pass(sqlite::CheckpointOwner& owner, const Situation& situation,
                    const sqlite::CheckpointOwner::CaptureFn& capture);
  Result<void> lend(sqlite::CheckpointOwner& owner, const WalView& view,
                    const sqlite::CheckpointOwner::CaptureFn& capture);
  Result<void> go_on_lending(const sqlite::CheckpointOwner::CaptureFn& capture);
  Result<void> checkpoint_blocking(sqlite::CheckpointOwner& owner,
                                   const sqlite::CheckpointOwner::CaptureFn& capture);
  void look_for_readers(const sqlite::CheckpointOwner& owner, const WalView& before,
                        bool snapshot_open);
  std::string name_;
  const os::Clock& clock_;
  const Log& log_;
  CheckpointPolicy policy_;
  BlockingReaders pinned_;
  MonoTime next_look_ = MonoTime::max();
  CheckpointCounts counts_;
  std::optional<sqlite::Lending> lending_;
  WalView lent_at_;  // state of the WAL at its start
  std::uint64_t missed_here_ = 0;
  bool wants_snapshot_back_ = false;
};

}  // namespace walwrap::replication
