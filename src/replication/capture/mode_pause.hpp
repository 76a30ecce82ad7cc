// When a database in rollback journal mode may be changed to WAL mode while its app runs. Pure;
// owned by the capture thread.
//
// The change holds the file's locks for some microseconds. A statement of an app without a busy
// timeout that begins at that moment fails. So the change waits for a pause: a time without writes
// and locks. The longer the wait, the shorter the pause that is enough, because nothing is stored
// during the wait:
//
//   it has waited for    a pause of    it looks each
//   up to 10 s           300 ms        25 ms
//   up to 1 min          50 ms         5 ms
//   up to 10 min         5 ms          1 ms
//   longer               none: the first look that finds the database free
//
// A random part is added to each pause, so that an app that writes at fixed times is not disturbed
// each time. If the app changes the mode back, walwrap waits: after the n-th time, for 10 s ×
// 4^(n-1), at most 10 minutes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

class ModePause {
 public:
  explicit ModePause(std::uint64_t seed) : random_(seed | 1) {}

  // The state of the file at one check. It is the same as long as nothing is written.
  struct Stamp {
    std::uint64_t file = 0;  // identity
    std::uint32_t changes = 0;
    Bytes size = 0;
    WallTime modified{};
    bool operator==(const Stamp&) const = default;
  };
  enum class Use { Free, InUse };  // InUse: a lock is held or a transaction is unfinished

  // The database was found in rollback journal mode. True: change it now.
  bool on_look(const Stamp& stamp, Use use, MonoTime now);
  // The wait is over: the database is attached or was deleted.
  void on_over() { since_.reset(); }
  // walwrap has changed the mode.
  void on_changed(std::uint64_t file) { changed_file_ = file; }

  MonoTime next_look(MonoTime now) const;
  // None: no database waits for a pause.
  std::optional<MonoTime> waits_since() const { return since_; }
  // How often the app has undone the change.
  int times_undone() const { return undone_; }

 private:
  std::chrono::nanoseconds needed(MonoTime now) const;
  void draw();

  std::uint64_t random_;
  std::uint32_t luck_ = 0;  // the random part of this pause, of 2^32
  std::optional<MonoTime> since_;
  Stamp stamp_;
  MonoTime quiet_from_{};      // no write and no lock was seen since then
  MonoTime unchanged_from_{};  // no write since then
  std::optional<std::uint64_t> changed_file_;
  MonoTime not_before_{};
  int undone_ = 0;
};

}  // namespace walwrap::replication
