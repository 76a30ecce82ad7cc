#include "walwrap/sqlite/shim.hpp"

#include "walwrap/base/check.hpp"
#include "walwrap/sqlite/unix_vfs.hpp"
#include "walwrap/wal/index.hpp"

namespace walwrap::sqlite {
namespace {

constexpr const char* kShimName = "walwrap";

int shim_shm_lock(sqlite3_file* file, int first, int count, int flags);

struct ShimFile : WrappedFile {
  int wrap(sqlite3_file* /*file*/) {
    methods.xShmLock = shim_shm_lock;
    return SQLITE_OK;
  }
  const std::atomic<bool>* checkpoint_lock_held = nullptr;
  const std::atomic<bool>* write_lock_held = nullptr;
  int read_lock = -1;
  WriteLock write_lock = WriteLock::Allowed;
};

int lock_around_checkpoint_byte(const ShimFile& shim, sqlite3_file* file, int first, int count,
                                int flags) {
  const int before = wal::kCheckpointLock - first;
  const int after = first + count - (wal::kCheckpointLock + 1);
  int code = SQLITE_OK;
  if (before > 0) code = shim.base->xShmLock(file, first, before, flags);
  if (code != SQLITE_OK || after <= 0) return code;
  code = shim.base->xShmLock(file, wal::kCheckpointLock + 1, after, flags);
  if (code != SQLITE_OK && before > 0 && (flags & SQLITE_SHM_LOCK) != 0) {
    const int undo = (flags & ~SQLITE_SHM_LOCK) | SQLITE_SHM_UNLOCK;
    shim.base->xShmLock(file, first, before, undo);
  }
  return code;
}

int shim_shm_lock(sqlite3_file* file, int first, int count, int flags) {
  ShimFile* shim = wrapped<ShimFile>(file);
  const bool is_write_lock = first == wal::kWriteLock && count == 1;
  if (is_write_lock && shim->write_lock_held != nullptr && shim->write_lock_held->load()) {
    return SQLITE_OK;
  }
  const bool takes_write_lock = first <= wal::kWriteLock && (flags & SQLITE_SHM_LOCK) != 0;
  // Not SQLITE_BUSY: SQLite would wait for it, up to ten seconds after a writer died.
  if (takes_write_lock && shim->write_lock == WriteLock::Refused) return SQLITE_BUSY_RECOVERY;
  const bool covers_checkpoint =
      first <= wal::kCheckpointLock && first + count > wal::kCheckpointLock;
  if (covers_checkpoint && shim->checkpoint_lock_held != nullptr &&
      shim->checkpoint_lock_held->load(std::memory_order_acquire)) {
    return lock_around_checkpoint_byte(*shim, file, first, count, flags);
  }
  const int code = shim->base->xShmLock(file, first, count, flags);
  if (code == SQLITE_OK && (flags & SQLITE_SHM_SHARED) != 0 && first >= wal::kReadLock) {
    shim->read_lock = (flags & SQLITE_SHM_LOCK) != 0 ? first - wal::kReadLock : -1;
  }
  return code;
}

ShimFile* checked(sqlite3_file* file) {
  WW_CHECK(file != nullptr && file->pMethods != nullptr);
  WW_CHECK(file->pMethods->xShmLock == shim_shm_lock);
  return wrapped<ShimFile>(file);
}

}  // namespace

const char* register_shim() {
  register_wrapped<ShimFile>(kShimName);
  return kShimName;
}

void share_checkpoint_lock(sqlite3_file* file, const std::atomic<bool>& held) {
  checked(file)->checkpoint_lock_held = &held;
}

void share_write_lock(sqlite3_file* file, const std::atomic<bool>& held) {
  checked(file)->write_lock_held = &held;
}

void set_write_lock(sqlite3_file* file, WriteLock which) {
  checked(file)->write_lock = which;
}

int held_read_lock(sqlite3_file* file) {
  return checked(file)->read_lock;
}

int lock_without_shim(sqlite3_file* file, int slot, int flags) {
  return checked(file)->base->xShmLock(file, slot, 1, flags);
}

}  // namespace walwrap::sqlite
