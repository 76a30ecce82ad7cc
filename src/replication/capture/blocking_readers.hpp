// Which reader of the app keeps the WAL from being reused, and when to say so. Pure; owned by the
// capture thread.
//
// A checkpoint copies nothing past the oldest read mark that is in use. A reader that stays holds
// every pass at the same frame, and the WAL grows with each commit, as it does in bare SQLite.
// Nothing here mends that: it is named, so that a person can. Readers that come and go let each
// pass get a little further, and are not meant.
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

// nullopt: there is one, but the kernel does not name it.
using ReaderPid = std::optional<os::Pid>;

// Whose locks on the read marks hold a pass that ended at `checkpoint`, this process excluded. The
// index file is the one with this inode on which `self` holds the checkpoint lock: the device that
// the kernel lists is not everywhere the one that stat(2) gives.
std::vector<ReaderPid> pinning_readers(const std::vector<os::FileLock>& locks, std::uint64_t inode,
                                       os::Pid self, const wal::CheckpointInfo& checkpoint);

class BlockingReaders {
 public:
  // What reads longer than this is no page of an app any more: a report, a dump, or forgotten.
  static constexpr std::chrono::seconds kPatience{10};
  // Between two looks at the kernel's list, which covers the whole machine.
  static constexpr std::chrono::seconds kAskEvery{1};

  // A WAL of up to `unremarkable` bytes is pinned without a word.
  explicit BlockingReaders(Bytes unremarkable) : unremarkable_(unremarkable) {}

  struct Pass {
    std::uint32_t asked = 0;  // the last frame when it began; 0 if the WAL restarted since then
    wal::Salts salts{};       // when it had ended, as what follows
    wal::CheckpointInfo reached{};
    Bytes wal_bytes = 0;
    bool has_own_reader = false;  // a snapshot of ours is open, and pins the WAL as well
  };
  struct Finding {
    FailureEpisode::Say say = FailureEpisode::Say::Nothing;
    ReaderPid pid{};              // of those there are, the one seen for longest
    std::chrono::seconds age{0};  // since it was first seen to hold a pass
  };
  // After each pass. `readers` is asked only about a WAL that has been pinned for so long.
  using ReadersFn = std::function<std::vector<ReaderPid>()>;
  Finding on_pass(const Pass& pass, const ReadersFn& readers, MonoTime now);

  // The last pass got no further than the one before it, and not to its end.
  bool is_stuck() const { return stuck_; }

 private:
  Finding ended(MonoTime now);
  void remember(const std::vector<ReaderPid>& pids, MonoTime now);
  Bytes unremarkable_;
  wal::Salts salts_;
  std::uint32_t backfilled_ = 0;
  bool stuck_ = false;
  std::optional<MonoTime> held_since_;  // the first pass that ended at backfilled_, too early
  MonoTime next_ask_{};
  std::map<ReaderPid, MonoTime> seen_;  // those of the last look; no more than it listed
  ReaderPid named_;
  MonoTime named_since_{};
  FailureEpisode episode_;
};

}  // namespace walwrap::replication
