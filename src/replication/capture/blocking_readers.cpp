#include "walwrap/replication/capture/blocking_readers.hpp"

#include <algorithm>
#include <utility>

namespace walwrap::replication {
namespace {

bool covers(const os::FileLock& lock, int slot) {
  const Bytes byte = wal::kFirstLockByte + static_cast<Bytes>(slot);
  return lock.first <= byte && byte <= lock.last;
}

// Readers with read lock 0 use the database file alone: no page may be copied into it.
bool is_pinning(const os::FileLock& lock, const wal::CheckpointInfo& checkpoint) {
  for (std::size_t i = 0; i < checkpoint.read_marks.size(); ++i) {
    const bool holds_pass = i == 0 || checkpoint.read_marks[i] <= checkpoint.backfilled;
    if (holds_pass && covers(lock, wal::kReadLock + static_cast<int>(i))) return true;
  }
  return false;
}

}  // namespace

std::vector<ReaderPid> pinning_readers(const std::vector<os::FileLock>& locks, std::uint64_t inode,
                                       os::Pid self, const wal::CheckpointInfo& checkpoint) {
  const auto ours = std::ranges::find_if(locks, [&](const os::FileLock& lock) {
    return lock.holder == self && lock.inode == inode && covers(lock, wal::kCheckpointLock);
  });
  std::vector<ReaderPid> found;
  if (ours == locks.end()) return found;
  for (const os::FileLock& lock : locks) {
    const bool is_same_file = lock.inode == inode && lock.device == ours->device;
    if (!is_same_file || lock.holder == self || !is_pinning(lock, checkpoint)) continue;
    if (std::ranges::find(found, lock.holder) == found.end()) found.push_back(lock.holder);
  }
  return found;
}

BlockingReaders::Finding BlockingReaders::ended(MonoTime now) {
  seen_.clear();
  return {.say = episode_.on_success(),
          .pid = named_,
          .age = std::chrono::floor<std::chrono::seconds>(now - named_since_)};
}

// Readers that are found by the first check have blocked checkpoints since the first of them.
void BlockingReaders::remember(const std::vector<ReaderPid>& pids, MonoTime now) {
  const MonoTime since = seen_.empty() ? *held_since_ : now;
  std::map<ReaderPid, MonoTime> seen;
  for (const ReaderPid pid : pids) {
    const auto before = seen_.find(pid);
    seen.emplace(pid, before == seen_.end() ? since : before->second);
  }
  seen_ = std::move(seen);
  const auto oldest = std::ranges::min_element(seen_, [](const auto& a, const auto& b) {
    return std::pair(!a.first.has_value(), a.second) < std::pair(!b.first.has_value(), b.second);
  });
  named_ = oldest->first;
  named_since_ = oldest->second;
}

BlockingReaders::Finding BlockingReaders::on_pass(const Pass& pass, const ReadersFn& readers,
                                                  MonoTime now) {
  const bool has_moved = pass.salts != salts_ || pass.reached.backfilled != backfilled_;
  const bool is_complete = pass.reached.backfilled >= pass.asked;
  salts_ = pass.salts;
  backfilled_ = pass.reached.backfilled;
  stuck_ = !is_complete && !has_moved && held_since_.has_value();
  if (!stuck_) {
    held_since_ = is_complete ? std::nullopt : std::optional(now);
    return ended(now);
  }
  const bool is_worth_saying = now - *held_since_ >= kPatience && pass.wal_bytes > unremarkable_;
  if (!is_worth_saying || now < next_ask_) return {};
  next_ask_ = now + kAskEvery;
  auto pids = readers();
  if (pids.empty() && pass.has_own_reader) return ended(now);
  // There is a reader, but it is in another pid namespace, or the kernel shows no locks.
  if (pids.empty()) pids.emplace_back();
  remember(pids, now);
  return {.say = episode_.on_failure(now),
          .pid = named_,
          .age = std::chrono::floor<std::chrono::seconds>(now - named_since_)};
}

}  // namespace walwrap::replication
