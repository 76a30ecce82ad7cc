// SQLite databases that the app has open and walwrap does not replicate: a mistyped path, the
// second database of PocketBase, the four of Rails. Each is named in the log once.
//
// There are two sources. The open files of a process show everything, but the kernel shows them
// only to processes with all of its capabilities, and the replicator has dropped most of root's.
// The locks are visible to all processes, and a database in WAL mode is locked while it is open.
// Its name is then searched near the replicated databases and below the working directory.
//
// Owned by the replicator's main thread. It searches 10 s after the start, a few times later, and
// then once an hour: a search reads /proc and the first bytes of files with unknown names.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/open_files.hpp"

namespace walwrap::daemon {

// When to look.
class LookSchedule {
 public:
  explicit LookSchedule(MonoTime start) : start_(start), next_(start + kFirst) {}
  static constexpr std::chrono::seconds kFirst{10};
  static constexpr std::chrono::hours kLongest{1};

  MonoTime next() const { return next_; }
  bool is_due(MonoTime now) const { return now >= next_; }
  void on_looked(MonoTime now);  // the next search comes after three times as long

 private:
  MonoTime start_;
  MonoTime next_;
};

// Not the -wal, -shm or -journal of a database.
bool may_be_database(std::string_view path);
bool is_database_start(std::string_view bytes);

class ForeignDatabases {
 public:
  ForeignDatabases(std::vector<os::Path> replicated, MonoTime now);

  LookSchedule& schedule() { return schedule_; }
  // The databases that these processes have open and that were not named before. If no name is
  // found, the path is empty.
  std::vector<os::OpenFile> find(const std::vector<os::Pid>& processes);
  // Runs find() for the app's processes and logs the result.
  void look(const Log& log, MonoTime now);

 private:
  void add_open(os::Pid pid, std::vector<os::OpenFile>& found);
  void add_locked(const std::vector<os::Pid>& processes, std::vector<os::OpenFile>& found);
  bool is_replicated(const os::OpenFile& file) const;
  os::Path find_name(std::uint64_t inode) const;

  std::vector<os::Path> replicated_;
  LookSchedule schedule_;
  std::set<std::uint64_t> named_;  // inodes
};

}  // namespace walwrap::daemon
