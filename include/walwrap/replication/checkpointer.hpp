// Makes the checkpoints that CheckpointPolicy asks for, and names the reader that keeps them from
// finishing.
//
// Owned by the capture thread, for as long as one capture loop lives; the database may be attached
// anew meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "walwrap/base/histogram.hpp"
#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/checkpoint.hpp"
#include "walwrap/replication/pinned_log.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"

namespace walwrap::replication {

// How long writers were held, in seconds.
inline constexpr std::array<double, 8> kBrakeSeconds = {.0005, .001, .0025, .005,
                                                        .01,   .025, .05,   .1};
// Since the replicator began.
struct CheckpointCounts {
  std::uint64_t passes = 0;
  Histogram<kBrakeSeconds.size()> held{kBrakeSeconds};  // writers, by the brake
};

class Checkpointer {
 public:
  // `name`: of the database, in log lines.
  Checkpointer(std::string name, CheckpointLimits limits, const os::Clock& clock, const Log& log);

  struct Situation {
    MonoTime last_commit{};
    bool snapshot_open = false;  // of ours
  };
  // Does what is to be done now, if anything. Errors: of the pass.
  Result<void> run(sqlite::CheckpointOwner& owner, const sqlite::IndexView& index,
                   const Situation& situation, const sqlite::CheckpointOwner::CaptureFn& capture);
  // When run() may have something to do although nothing was written; max: only then.
  MonoTime next_look() const { return next_look_; }
  const CheckpointCounts& counts() const { return counts_; }

 private:
  Result<void> brake(sqlite::CheckpointOwner& owner,
                     const sqlite::CheckpointOwner::CaptureFn& capture);
  void look_for_readers(const sqlite::CheckpointOwner& owner, const WalView& before,
                        bool snapshot_open);
  std::string name_;
  const os::Clock& clock_;
  const Log& log_;
  CheckpointPolicy policy_;
  PinnedLog pinned_;
  MonoTime next_look_ = MonoTime::max();
  CheckpointCounts counts_;
};

}  // namespace walwrap::replication
