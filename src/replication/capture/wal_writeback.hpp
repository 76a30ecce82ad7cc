// Has the WAL written to the disk while the app goes on writing it.
//
// A checkpoint begins with an fsync of the WAL. Where the app makes it, because the lock is lent to
// it, the app waits for that: 40 ms for 32 MiB with synchronous=NORMAL, where nothing was written
// to the disk before. So the kernel is asked to begin, piece by piece, as the WAL is read. It
// writes the same bytes, and nothing waits for them here. Where a disk has no room in its queue the
// call waits after all; then it is left to the checkpoint for a while.
//
// Owned by the capture thread. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "walwrap/base/types.hpp"
#include "walwrap/os/clock.hpp"

namespace walwrap::replication {

class WalWriteback {
 public:
  // Begins to write this range; returns when the kernel has taken it.
  using Start = std::function<void(Bytes offset, Bytes length)>;
  WalWriteback(Start start, const os::Clock& clock)
      : start_(std::move(start)), clock_(clock), begun_(clock.mono()) {}

  // The WAL was read from `offset` to `end`, in order. A restarted WAL begins at its front again.
  void on_read(Bytes offset, Bytes end);

 private:
  Start start_;
  const os::Clock& clock_;
  Bytes begin_ = 0;  // everything before was written, or was left to the checkpoint
  Bytes end_ = 0;
  MonoTime begun_;  // when the newest piece was begun, or left to the checkpoint
  MonoTime paused_until_{};
};

}  // namespace walwrap::replication
