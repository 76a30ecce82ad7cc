// The kernel of a simulated world: whose call this is, which record locks are held, what time it
// is, and where randomness comes from. calls.cpp brings every call of SQLite's and ours here.
//
// A simulated process has a pid, locks of its own, and its own copy of SQLite. Record locks are
// those of POSIX: they belong to the process, and closing any descriptor of a file drops all that
// the process has there (Law 1). A process that was killed does nothing any more: each call fails,
// so that its code unwinds without a trace. Time passes only when it is told to. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/power_cut.hpp"

struct flock;

namespace walwrap::simulation {

// Of the simulator itself: its calls go through, and touch no lock.
inline constexpr int kNobody = 0;

// A point at which something else may happen, or the process may die.
enum class Point { Lock, Read, Write, Size, Sync, Name, Store, Sleep };
inline constexpr std::string_view kPointNames[] = {"lock", "read",  "write", "size",
                                                   "sync", "names", "store", "sleep"};

// How a call of the operating system fails, or does less than it was asked to.
enum class Defect {
  Io,       // EIO: the disk has an error
  Full,     // ENOSPC; only of a call that needs more space
  Partial,  // a read or write of half of the bytes
};

class Kernel {
 public:
  explicit Kernel(std::uint64_t seed);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  static Kernel* current();  // null: no world is simulated

  // Whose calls are made while it exists.
  class As {
   public:
    explicit As(int process);
    ~As();
    As(const As&) = delete;
    As& operator=(const As&) = delete;

   private:
    int before_;
  };
  int process() const { return process_; }
  void kill(int process);
  void lose_locks(int process);
  bool is_dead(int process) const { return dead_.contains(process); }
  void bury(int process) {
    dead_.erase(process);
    broken_.erase(process);
  }

  // Before each point of a process. May make other things happen; they throw nothing.
  std::function<void(Point)> on_point;
  // Time has to pass in a process that sleeps: whoever sets it lets it pass.
  std::function<void(std::chrono::nanoseconds)> on_sleep;
  // False: the caller is dead, and the call fails. Nobody's calls are no points.
  enum class Space { Same, More };
  bool enter(Point point, Space space = Space::Same);
  // The next calls of this process that can fail so, do.
  void break_calls(int process, int calls, Defect defect) { broken_[process] = {calls, defect}; }
  // Its disk has no space left, or has some again.
  void set_full(int process, bool is_full);
  bool needs_space() const { return full_.contains(process_) || is_broken(Defect::Full); }
  // Why enter() has returned false.
  int error() const { return error_; }
  // Of this read or write only a part is to be done. Taken once.
  bool take_partial();
  // Calls of this process that have failed so.
  int defects_of(int process) const;

  std::uint64_t points() const { return points_; }
  void sleep(std::chrono::nanoseconds duration);

  int set_lock(int descriptor, struct flock& lock);
  int get_lock(int descriptor, struct flock& lock) const;
  void drop_locks(int descriptor);
  // This byte of any file.
  bool holds_alone(int process, std::int64_t byte) const;
  // As /proc/locks shows them.
  std::string locks_text() const;

  std::chrono::nanoseconds mono() const { return mono_; }
  std::chrono::nanoseconds wall() const { return mono_ + wall_offset_; }
  void advance(std::chrono::nanoseconds by) { mono_ += by; }
  void jump_wall(std::chrono::nanoseconds by) {
    wall_offset_ += by;
    went_back_ = went_back_ || by.count() < 0;
  }
  bool has_gone_back() const { return went_back_; }

  std::uint64_t random();

 private:
  using File = std::pair<dev_t, ino_t>;
  struct Lock {
    int process = 0;
    short type = 0;
    std::int64_t first = 0;
    std::int64_t end = 0;  // behind the last byte
  };
  const Lock* find_conflict(const File& file, int process, const Lock& wanted) const;
  static Lock range_of(const struct flock& lock);
  static File file_of(int descriptor);

  struct Broken {
    int calls = 0;
    Defect defect = Defect::Io;
  };
  bool is_broken(Defect defect) const;
  bool take_defect(Point point, Space space);

  int process_ = kNobody;
  int error_ = 0;
  std::map<int, Broken> broken_;
  std::set<int> full_;
  std::map<int, int> defects_;
  std::set<int> dead_;
  std::uint64_t points_ = 0;
  std::map<File, std::vector<Lock>> locks_;
  std::chrono::nanoseconds mono_;
  std::chrono::nanoseconds wall_offset_;
  bool went_back_ = false;  // the time of day
  std::mt19937_64 random_;
};

}  // namespace walwrap::simulation
