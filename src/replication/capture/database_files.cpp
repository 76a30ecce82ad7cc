#include "walwrap/replication/capture/database_files.hpp"

#include <algorithm>

#include "walwrap/wal/index.hpp"

namespace walwrap::replication {
namespace {

std::optional<os::FileStamp> stamp_of(const os::Path& path) {
  auto stamp = os::stamp_of(path);
  if (!stamp) return std::nullopt;
  return *stamp;
}

bool is_same(const std::optional<os::FileStamp>& one, const std::optional<os::FileStamp>& other) {
  return one.has_value() == other.has_value() && (!one || one->id == other->id);
}

// SQLite's UNIX_SHM_DMS: held by every connection that has mapped the -shm.
constexpr Bytes kDeadManSwitch = wal::kFirstLockByte + 8;

bool is_on_index(const os::FileLock& lock, const os::FileId& index) {
  return lock.inode == index.inode && lock.first <= kDeadManSwitch &&
         lock.last >= wal::kFirstLockByte;
}

}  // namespace

DatabaseFiles DatabaseFiles::at(const os::Path& database) {
  const auto found = os::stamp_at(database);
  return {.database = found ? std::optional(*found) : std::nullopt,
          .may_be_there = !found && found.error().code != Code::NotFound,
          .wal = stamp_of(database.string() + "-wal"),
          .index = stamp_of(database.string() + "-shm")};
}

Difference find_difference(const DatabaseFiles& attached, const DatabaseFiles& at_path) {
  if (!at_path.is_told()) return Difference::DatabaseHidden;
  if (!at_path.has_database()) return Difference::DatabaseGone;
  if (!is_same(attached.database, at_path.database)) return Difference::DatabaseReplaced;
  const bool same_wal = is_same(attached.wal, at_path.wal);
  const bool same_index = is_same(attached.index, at_path.index);
  if (!same_wal && at_path.wal) return Difference::WalReplaced;
  if (!same_index && at_path.index) return Difference::IndexReplaced;
  if (!same_wal) return Difference::WalGone;
  if (!same_index) return Difference::IndexGone;
  return Difference::None;
}

bool is_as_attached(const DatabaseFiles& attached, const DatabaseFiles& at_path) {
  if (!at_path.has_database()) return !attached.has_database();
  if (find_difference(attached, at_path) != Difference::None) return false;
  return attached.database->size == at_path.database->size &&
         attached.database->written == at_path.database->written;
}

std::string_view describe(Difference difference) {
  switch (difference) {
    case Difference::None:
      return "the files are the same";
    case Difference::DatabaseGone:
      return "the database file was deleted or emptied";
    case Difference::DatabaseReplaced:
      return "the database file was replaced";
    case Difference::DatabaseHidden:
      return "the database's path cannot be inspected; check the permissions of its directory";
    case Difference::WalGone:
      return "the -wal file was deleted";
    case Difference::WalReplaced:
      return "the -wal file was replaced";
    case Difference::IndexGone:
      return "the -shm file was deleted";
    case Difference::IndexReplaced:
      return "the -shm file was replaced";
  }
  return "";
}

OtherUsers find_other_users(const std::vector<os::FileLock>& locks, const os::FileId& index,
                            os::Pid self) {
  const auto ours = std::ranges::find_if(locks, [&](const os::FileLock& lock) {
    return lock.holder == self && is_on_index(lock, index);
  });
  if (ours == locks.end()) return OtherUsers::NotKnown;
  const bool any = std::ranges::any_of(locks, [&](const os::FileLock& lock) {
    return lock.holder != self && lock.device == ours->device && is_on_index(lock, index);
  });
  return any ? OtherUsers::Some : OtherUsers::None;
}

Reaction react_to(Difference difference, OtherUsers others, bool is_finishing) {
  switch (difference) {
    case Difference::None:
      return Reaction::GoOn;
    case Difference::DatabaseGone:
    case Difference::DatabaseReplaced:
    case Difference::WalReplaced:
      return Reaction::Reattach;
    case Difference::DatabaseHidden:
      return Reaction::KeepReading;
    case Difference::IndexReplaced:
      // Processes with locks on the old index: with a new index neither side would see the other's
      // locks.
      return others == OtherUsers::None || is_finishing ? Reaction::Reattach
                                                        : Reaction::KeepReading;
    case Difference::WalGone:
    case Difference::IndexGone:
      // If no process can be seen, one is assumed as long as one may exist.
      return others == OtherUsers::None || is_finishing ? Reaction::CheckpointReattach
                                                        : Reaction::KeepReading;
  }
  return Reaction::Reattach;
}

}  // namespace walwrap::replication
