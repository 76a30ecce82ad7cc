#include "walwrap/replication/startup/boot_directory.hpp"

#include "walwrap/os/new_directories.hpp"

namespace walwrap::replication {

Result<void> BootDirectory::open() {
  if (directory_) return {};
  auto parents =
      TRY(os::NewDirectories::make(os::directory_of(database_), kDatabaseDirectory, owner_));
  auto directory = TRY(StateDir::open(database_, owner_));
  directory_.emplace(std::move(directory));
  parents.keep();
  return {};
}

Result<void> BootDirectory::open_existing(const LockWait& wait, const os::Clock& clock,
                                          const Log& log) {
  if (!directory_ && !os::exists(StateDir::path_for(database_))) return {};
  TRY(open());
  if (is_locked_) return {};
  lock_ = TRY(lock_state_directory(StateDir::path_for(database_), wait, clock, log));
  is_locked_ = true;
  return {};
}

Result<void> BootDirectory::own() {
  TRY(open());
  if (is_locked_) return {};
  auto lock = os::DirectoryLock::try_take(StateDir::path_for(database_));
  if (!lock && lock.error().code != Code::Unsupported) return fail(lock.error());
  if (lock && !*lock) {
    return fail(Code::Busy, "another start is using {}", database_.string());
  }
  if (lock) lock_ = *std::move(lock);
  is_locked_ = true;
  const auto state = directory_->load();
  if (state && !*state) return {};
  return fail(Code::Busy, "another start used {} meanwhile", database_.string());
}

Result<PageSums> BootDirectory::keep_sums(const PageSums& sums) {
  TRY(own());
  TRY(directory_->forget());
  auto kept = TRY(directory_->open_sums());
  TRY(kept.copy_from(sums));
  return kept;
}

}  // namespace walwrap::replication
