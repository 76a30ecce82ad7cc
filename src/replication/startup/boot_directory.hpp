// The state directory of a start: opened if it exists, created only after the decision to start the
// app, and locked before its content is used.
//
// The holder of the lock may change the database, its state and the replica until it ends. So
// anything inspected without the lock must be inspected again. Owned by the thread that starts.
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

// Of new directories above a database.
inline constexpr std::uint32_t kDatabaseDirectory = 0755;

class BootDirectory {
 public:
  BootDirectory(os::Path database, const std::optional<os::FileOwner>& owner)
      : database_(std::move(database)), owner_(owner) {}

  // Before any inspection: opens the directory if it exists, and waits for its lock.
  Result<void> open_existing(const LockWait& wait, const os::Clock& clock, const Log& log);
  // Creates it if it does not exist. Busy: another start has run since. Decide again.
  Result<void> own();

  // The state directory's own sums, with the new content. The old content is removed.
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
