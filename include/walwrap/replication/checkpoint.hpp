// When to checkpoint, and when to use the brake. Pure; owned by the capture thread.
//
// A pass runs when enough has been written since the last one, and in the first quiet moment with
// anything left. The brake (the write lock, for the last few frames) is for a writer that never
// pauses, and never when a quiet moment would do or when it could not help: an app without a busy
// timeout sees SQLITE_BUSY if it meets it. It comes past the hard limit, and past the reuse limit
// if the last one was long ago: a log that grows costs a writer with synchronous=FULL a commit of
// the file system with each of its own, and a long one more than a short one; one that is begun
// anew while it is short costs the least.
#pragma once

#include <chrono>
#include <cstdint>

#include "walwrap/base/types.hpp"
#include "walwrap/wal/format.hpp"

namespace walwrap::replication {

enum class Brake { Auto, Never };

struct CheckpointLimits {
  std::uint32_t pass_pages = 1000;        // SQLite's own default for automatic checkpoints
  std::chrono::milliseconds quiet{100};   // without a commit
  std::chrono::milliseconds retry{1000};  // in a quiet time that readers kept a pass from using
  Bytes hard_limit = 64ULL << 20;         // of WAL
  Bytes reuse_limit = 8ULL << 20;         // of WAL, between brakes that are reuse_gap apart
  std::chrono::milliseconds reuse_gap{100};
  std::chrono::milliseconds brake_gap{20};  // between two brakes
  Brake brake = Brake::Auto;
};

struct WalView {
  wal::Salts salts;
  std::uint32_t max_frame = 0;
  std::uint32_t not_backfilled = 0;
  Bytes bytes = 0;      // up to max_frame
  bool pinned = false;  // by a snapshot of ours or a reader that stays: it could not restart now
};

class CheckpointPolicy {
 public:
  enum class Action { None, Pass, Brake };

  explicit CheckpointPolicy(CheckpointLimits limits) : limits_(limits) {}
  Action decide(const WalView& view, MonoTime last_commit, MonoTime now) const;
  void on_pass(const WalView& before, MonoTime now);
  void on_brake(MonoTime now);
  // When decide() may say something else although nothing was written; never later than needed.
  MonoTime next_look(const WalView& view, MonoTime last_commit, MonoTime now) const;

 private:
  bool is_new_since_pass(const WalView& view) const;
  CheckpointLimits limits_;
  wal::Salts passed_salts_;
  std::uint32_t passed_frame_ = 0;
  MonoTime passed_at_{};
  MonoTime braked_at_{};
};

}  // namespace walwrap::replication
