// The state directory as a start has it: opened where it is, made only when it is decided that the
// app will be started, and locked before anything in it is believed.
//
// The holder of the lock may change the database, its state and the replica until it ends: so what
// was looked at without it has to be looked at again. Owned by the thread that starts.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/directory_lock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/state_dir.hpp"
#include "walwrap/replication/startup/boot_checks.hpp"

namespace walwrap::replication {

// Of the directories above a database that had to be made.
inline constexpr std::uint32_t kDatabaseDirectory = 0755;

class BootDirectory {
 public:
  BootDirectory(os::Path database, const std::optional<os::FileOwner>& owner)
      : database_(std::move(database)), owner_(owner) {}

  // Before anything is looked at: opens the directory if it is there, and waits for its lock.
  Result<void> open_existing(const LockWait& wait, const os::Clock& clock, const Log& log);
  // Makes it, if it is not there. Busy: another start was here since, decide again.
  Result<void> own();

  // The state directory's own, with what was found out; whatever was there is forgotten.
  Result<PageSums> keep_sums(const PageSums& sums);

  bool is_open() const { return directory_.has_value(); }
  StateDir& get() { return *directory_; }
  const StateDir& get() const { return *directory_; }
  // nullopt: the file system has no such locks.
  std::optional<os::DirectoryLock> take_lock() { return std::move(lock_); }

 private:
  Result<void> open();

  os::Path database_;
  std::optional<os::FileOwner> owner_;
  std::optional<StateDir> directory_;
  std::optional<os::DirectoryLock> lock_;
  bool is_locked_ = false;  // or the file system has no such locks
};

}  // namespace walwrap::replication
