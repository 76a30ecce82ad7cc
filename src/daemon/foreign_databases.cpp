#include "walwrap/daemon/foreign_databases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "walwrap/os/file_locks.hpp"

namespace walwrap::daemon {
namespace {

constexpr std::string_view kHeader("SQLite format 3\0", 16);
// An app with more has its data in them, for example one file per user; the limit keeps the log
// short (Law 5).
constexpr std::size_t kMostNamed = 32;
// SQLite's os.h: SHARED_FIRST and SHARED_SIZE, which each connection in WAL mode locks.
constexpr Bytes kSharedLock = (Bytes{1} << 30) + 2, kSharedLockEnd = kSharedLock + 509;
// Limit of a search for a name (Law 5).
constexpr int kDeepest = 3, kMostLooked = 5'000;

}  // namespace

void LookSchedule::on_looked(MonoTime now) {
  const auto passed = std::max<std::chrono::nanoseconds>(now - start_, kFirst);
  next_ = now + std::min<std::chrono::nanoseconds>(2 * passed, kLongest);
}

bool may_be_database(std::string_view path) {
  constexpr std::array<std::string_view, 3> kOthers = {"-wal", "-shm", "-journal"};
  return std::none_of(kOthers.begin(), kOthers.end(),
                      [&](std::string_view end) { return path.ends_with(end); });
}

bool is_database_start(std::string_view bytes) {
  return bytes.starts_with(kHeader);
}

ForeignDatabases::ForeignDatabases(std::vector<os::Path> replicated, MonoTime now)
    : replicated_(std::move(replicated)), schedule_(now) {}

bool ForeignDatabases::is_replicated(const os::OpenFile& file) const {
  return std::any_of(replicated_.begin(), replicated_.end(), [&](const os::Path& database) {
    const auto status = os::status_of(database);
    return file.path == database || (status && status->id.inode == file.id.inode);
  });
}

void ForeignDatabases::add_open(os::Pid pid, std::vector<os::OpenFile>& found) {
  for (os::OpenFile& file : os::open_files(pid)) {
    if (!may_be_database(file.path.native()) || named_.contains(file.id.inode)) continue;
    if (named_.size() >= kMostNamed || is_replicated(file)) continue;
    const auto start = os::read_start(file, kHeader.size());
    if (!start || !is_database_start(*start)) continue;
    named_.insert(file.id.inode);
    found.push_back(std::move(file));
  }
}

void ForeignDatabases::add_locked(const std::vector<os::Pid>& processes,
                                  std::vector<os::OpenFile>& found) {
  const auto locks = os::read_file_locks();
  if (!locks) return;
  for (const os::FileLock& lock : *locks) {
    const bool is_theirs = lock.holder && std::find(processes.begin(), processes.end(),
                                                    *lock.holder) != processes.end();
    if (!is_theirs || lock.first != kSharedLock || lock.last != kSharedLockEnd) continue;
    if (named_.contains(lock.inode) || named_.size() >= kMostNamed) continue;
    os::OpenFile file{*lock.holder, -1, {}, {.device = 0, .inode = lock.inode}};
    if (is_replicated(file)) continue;
    file.path = find_name(lock.inode);
    named_.insert(lock.inode);
    found.push_back(std::move(file));
  }
}

os::Path ForeignDatabases::find_name(std::uint64_t inode) const {
  std::error_code failed;
  std::vector<os::Path> places;
  for (const os::Path& database : replicated_) places.push_back(os::directory_of(database));
  places.push_back(std::filesystem::current_path(failed));
  int looked = 0;
  for (const os::Path& place : places) {
    std::filesystem::recursive_directory_iterator entry(
        place, std::filesystem::directory_options::skip_permission_denied, failed);
    for (const std::filesystem::recursive_directory_iterator end;
         !failed && entry != end && ++looked < kMostLooked; entry.increment(failed)) {
      if (entry.depth() >= kDeepest || entry->path() == "/proc") entry.disable_recursion_pending();
      if (!may_be_database(entry->path().native()) || !entry->is_regular_file(failed)) continue;
      const auto status = os::status_of(entry->path());
      if (status && status->id.inode == inode) return entry->path();
    }
  }
  return {};
}

std::vector<os::OpenFile> ForeignDatabases::find(const std::vector<os::Pid>& processes) {
  std::vector<os::OpenFile> found;
  for (const os::Pid pid : processes) add_open(pid, found);
  add_locked(processes, found);
  return found;
}

void ForeignDatabases::look(const Log& log, MonoTime now) {
  schedule_.on_looked(now);
  for (const os::OpenFile& file : find(os::other_descendants_of_parent())) {
    log.warn(
        "the app uses a database that is not replicated",
        {{"file", file.path.empty() ? fmt::format("inode {}", file.id.inode) : file.path.string()},
         {"pid", file.pid.value},
         {"hint", fmt::format("to replicate it as well, add --db {}=URL",
                              file.path.empty() ? "FILE" : file.path.string())}});
  }
}

}  // namespace walwrap::daemon
