// SQLite databases that the app has open and walwrap does not replicate: a path with a slip in it,
// the second database of PocketBase, the four of Rails. Each is named in the log once.
//
// Two sources. The descriptors of a process tell all, but the kernel shows them to those alone who
// have all of its capabilities, and the replicator has given up most of root's. The locks are shown
// to all, and a database in WAL mode is locked for as long as it is open; its name is then looked
// for near the replicated ones and below the working directory.
//
// Owned by the replicator's main thread. Looks 10 s after the start, a few times later, and then
// once an hour: a look reads /proc and the first bytes of files that no other name tells about.
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
  void on_looked(MonoTime now);  // the next look is when three times as much time has passed

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
  // What these processes have open and was not named before. Where no name is found, the path is
  // empty.
  std::vector<os::OpenFile> find(const std::vector<os::Pid>& processes);
  // find() of the app's processes, into the log.
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
