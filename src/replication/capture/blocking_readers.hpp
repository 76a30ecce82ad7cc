// Which reader of the app keeps the WAL from being reused, and when to report it. Pure; owned by
// the capture thread.
//
// A checkpoint copies nothing past the oldest read mark in use. A long reader stops every
// checkpoint at the same frame, and the WAL grows with each commit, as it does in SQLite without
// walwrap. walwrap cannot solve this, so it names the reader for the user. Short readers let each
// checkpoint get further and are not reported.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file_locks.hpp"
#include "walwrap/wal/index.hpp"

namespace walwrap::replication {

// nullopt: there is a reader, but the kernel does not list it.
using ReaderPid = std::optional<os::Pid>;

// The processes whose locks on the read marks limited a checkpoint that ended at `checkpoint`,
// without this process. The index file is the file with this inode on which `self` holds the
// checkpoint lock, because the device in the kernel's list can differ from the one of stat(2).
std::vector<ReaderPid> pinning_readers(const std::vector<os::FileLock>& locks, std::uint64_t inode,
                                       os::Pid self, const wal::CheckpointInfo& checkpoint);

class BlockingReaders {
 public:
  // A longer read is not a page of an app: it is a report, a dump or a forgotten transaction.
  static constexpr std::chrono::seconds kPatience{10};
  // Between two reads of the kernel's list, which covers the whole machine.
  static constexpr std::chrono::seconds kAskEvery{1};

  // Readers of a WAL of at most `unremarkable` bytes are not reported.
  explicit BlockingReaders(Bytes unremarkable) : unremarkable_(unremarkable) {}

  struct Pass {
    std::uint32_t asked = 0;  // the last frame at its start; 0 if the WAL restarted since then
    wal::Salts salts{};       // at its end, like the following
    wal::CheckpointInfo reached{};
    Bytes wal_bytes = 0;
    bool has_own_reader = false;  // a snapshot of walwrap is open and holds the WAL as well
  };
  struct Finding {
    FailureEpisode::Say say = FailureEpisode::Say::Nothing;
    ReaderPid pid{};              // the oldest of the current readers
    std::chrono::seconds age{0};  // since it first blocked a checkpoint
  };
  // Call it after each checkpoint. `readers` is called only if the WAL was blocked long enough.
  using ReadersFn = std::function<std::vector<ReaderPid>()>;
  Finding on_pass(const Pass& pass, const ReadersFn& readers, MonoTime now);

  // The last checkpoint got no further than the one before and not to its end.
  bool is_stuck() const { return stuck_; }

 private:
  Finding ended(MonoTime now);
  void remember(const std::vector<ReaderPid>& pids, MonoTime now);
  Bytes unremarkable_;
  wal::Salts salts_;
  std::uint32_t backfilled_ = 0;
  bool stuck_ = false;
  std::optional<MonoTime> held_since_;  // the first checkpoint that ended early at backfilled_
  MonoTime next_ask_{};
  std::map<ReaderPid, MonoTime> seen_;  // from the last check; at most as many as it listed
  ReaderPid named_;
  MonoTime named_since_{};
  FailureEpisode episode_;
};

}  // namespace walwrap::replication
