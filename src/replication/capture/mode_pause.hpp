// When a database in rollback journal mode may be changed to WAL mode beside its app. Pure; owned
// by the capture thread.
//
// The change holds the locks of the file for some microseconds, and a statement of an app without a
// busy timeout that begins just then fails. So it waits for a pause: nothing is written and no lock
// is seen for a while. The longer it has waited, the shorter a pause is enough, for all the time
// nothing is stored:
//
//   it has waited for    a pause of    it looks each
//   up to 10 s           300 ms        25 ms
//   up to 1 min          50 ms         5 ms
//   up to 10 min         5 ms          1 ms
//   longer               none: the first look that finds the database free
//
// Each pause is longer by a random part, so that an app that writes to a clock is not met each
// time. An app that changes a database back is given way to: after the n-th time nothing is changed
// for 10 s × 4^(n-1), at most 10 minutes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

class ModePause {
 public:
  explicit ModePause(std::uint64_t seed) : random_(seed | 1) {}

  // What a look at the file shows; equal while nothing is written.
  struct Stamp {
    std::uint64_t file = 0;  // identity
    std::uint32_t changes = 0;
    Bytes size = 0;
    WallTime modified{};
    bool operator==(const Stamp&) const = default;
  };
  enum class Use { Free, InUse };  // InUse: a lock is held, or a transaction is not finished

  // A look that found the database in rollback journal mode. True: change it now.
  bool on_look(const Stamp& stamp, Use use, MonoTime now);
  // The database is no longer waited for: it is attached, or was deleted.
  void on_over() { since_.reset(); }
  // We have changed it.
  void on_changed(std::uint64_t file) { changed_file_ = file; }

  MonoTime next_look(MonoTime now) const;
  // None: no database waits for a pause.
  std::optional<MonoTime> waits_since() const { return since_; }
  // How often an app has undone our change.
  int times_undone() const { return undone_; }

 private:
  std::chrono::nanoseconds needed(MonoTime now) const;
  void draw();

  std::uint64_t random_;
  std::uint32_t luck_ = 0;  // the random part of this pause, of 2^32
  std::optional<MonoTime> since_;
  Stamp stamp_;
  MonoTime quiet_from_{};      // nothing was seen to be written or locked since then
  MonoTime unchanged_from_{};  // nothing was written since then
  std::optional<std::uint64_t> changed_file_;
  MonoTime not_before_{};
  int undone_ = 0;
};

}  // namespace walwrap::replication
