#include "walwrap/sqlite/shim.hpp"

#include <cstddef>
#include <new>

#include "walwrap/base/check.hpp"
#include "walwrap/wal/index.hpp"

namespace walwrap::sqlite {
namespace {

constexpr const char* kShimName = "walwrap";

// Lies behind the unix VFS's own part of each sqlite3_file. The method table is a copy of unix's
// with one entry replaced, so everything else costs nothing.
struct Extra {
  const sqlite3_io_methods* base = nullptr;
  sqlite3_io_methods methods{};
  const std::atomic<bool>* checkpoint_lock_held = nullptr;
  const std::atomic<bool>* write_lock_held = nullptr;
  int read_lock = -1;
  WriteLock write_lock = WriteLock::Allowed;
};

sqlite3_vfs* unix_vfs() {
  return sqlite3_vfs_find("unix");
}

Extra* extra_of(sqlite3_file* file) {
  const auto offset = static_cast<std::size_t>(unix_vfs()->szOsFile);
  return reinterpret_cast<Extra*>(reinterpret_cast<std::byte*>(file) + offset);
}

int lock_around_checkpoint_byte(const Extra& extra, sqlite3_file* file, int first, int count,
                                int flags) {
  const int before = wal::kCheckpointLock - first;
  const int after = first + count - (wal::kCheckpointLock + 1);
  int code = SQLITE_OK;
  if (before > 0) code = extra.base->xShmLock(file, first, before, flags);
  if (code != SQLITE_OK || after <= 0) return code;
  code = extra.base->xShmLock(file, wal::kCheckpointLock + 1, after, flags);
  if (code != SQLITE_OK && before > 0 && (flags & SQLITE_SHM_LOCK) != 0) {
    const int undo = (flags & ~SQLITE_SHM_LOCK) | SQLITE_SHM_UNLOCK;
    extra.base->xShmLock(file, first, before, undo);
  }
  return code;
}

int shim_shm_lock(sqlite3_file* file, int first, int count, int flags) {
  Extra* extra = extra_of(file);
  const bool is_write_lock = first == wal::kWriteLock && count == 1;
  if (is_write_lock && extra->write_lock_held != nullptr && extra->write_lock_held->load()) {
    return SQLITE_OK;
  }
  const bool takes_write_lock = first <= wal::kWriteLock && (flags & SQLITE_SHM_LOCK) != 0;
  // Not SQLITE_BUSY, which SQLite's read would wait for: up to ten seconds where a writer died.
  if (takes_write_lock && extra->write_lock == WriteLock::Refused) return SQLITE_BUSY_RECOVERY;
  const bool covers_checkpoint =
      first <= wal::kCheckpointLock && first + count > wal::kCheckpointLock;
  if (covers_checkpoint && extra->checkpoint_lock_held != nullptr &&
      extra->checkpoint_lock_held->load(std::memory_order_acquire)) {
    return lock_around_checkpoint_byte(*extra, file, first, count, flags);
  }
  const int code = extra->base->xShmLock(file, first, count, flags);
  if (code == SQLITE_OK && (flags & SQLITE_SHM_SHARED) != 0 && first >= wal::kReadLock) {
    extra->read_lock = (flags & SQLITE_SHM_LOCK) != 0 ? first - wal::kReadLock : -1;
  }
  return code;
}

int shim_open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags,
              int* out_flags) {
  sqlite3_vfs* base = unix_vfs();
  const int code = base->xOpen(base, name, file, flags, out_flags);
  if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0 || file->pMethods == nullptr) {
    return code;
  }
  auto* extra = new (extra_of(file)) Extra;
  extra->base = file->pMethods;
  extra->methods = *file->pMethods;
  extra->methods.xShmLock = shim_shm_lock;
  file->pMethods = &extra->methods;
  return code;
}

Extra* checked_extra(sqlite3_file* file) {
  WW_CHECK(file != nullptr && file->pMethods != nullptr);
  WW_CHECK(file->pMethods->xShmLock == shim_shm_lock);
  return extra_of(file);
}

}  // namespace

const char* register_shim() {
  static sqlite3_vfs shim = [] {  // SQLite links it into its list and keeps it
    sqlite3_vfs vfs = *unix_vfs();
    vfs.zName = kShimName;
    vfs.szOsFile += static_cast<int>(sizeof(Extra));
    vfs.xOpen = shim_open;
    vfs.pNext = nullptr;
    return vfs;
  }();
  static const int registered = sqlite3_vfs_register(&shim, 0);
  WW_CHECK(registered == SQLITE_OK);
  return kShimName;
}

void share_checkpoint_lock(sqlite3_file* file, const std::atomic<bool>& held) {
  checked_extra(file)->checkpoint_lock_held = &held;
}

void share_write_lock(sqlite3_file* file, const std::atomic<bool>& held) {
  checked_extra(file)->write_lock_held = &held;
}

void set_write_lock(sqlite3_file* file, WriteLock which) {
  checked_extra(file)->write_lock = which;
}

int held_read_lock(sqlite3_file* file) {
  return checked_extra(file)->read_lock;
}

int lock_without_shim(sqlite3_file* file, int slot, int flags) {
  return checked_extra(file)->base->xShmLock(file, slot, 1, flags);
}

}  // namespace walwrap::sqlite
