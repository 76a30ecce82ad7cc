// When the capture thread looks at the WAL: after an event, after a while, or on request.
//
// A write to the WAL is seen before its commit is published, so a few looks follow an event, ever
// further apart. A writer who never pauses is looked at every 10 ms and not watched, for the kernel
// would make him pay for an event with each of his writes. An idle database costs one look every
// two seconds, four a second where inotify does not work. Owned by the capture thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/os/poller.hpp"
#include "walwrap/os/watch.hpp"

namespace walwrap::replication {

class WalWatch {
 public:
  WalWatch(os::Path database, const os::Clock& clock);
  // Descriptors that end a wait when they can be read; a bug if there can be no poller.
  void start(const std::vector<int>& wakeups);
  bool works() const { return works_; }  // inotify does

  // Of a WAL that exists from now on. The caller looks at it soon, for what was written
  // before.
  void watch_wal();
  void on_commit(MonoTime now);
  void on_look() { ++looks_; }
  // After a look: watches or does not, by whether the writer pauses.
  void choose(MonoTime now, MonoTime last_commit);
  // False: there were commits for a while, the pauses between them shorter than a moment.
  bool is_writer_pausing() const { return is_writer_pausing_; }
  // Between two looks at a file that nothing happens to.
  std::chrono::nanoseconds idle_pause() const;

  struct Situation {
    bool attached = false;
    bool has_pending = false;
    bool is_finishing = false;
  };
  MonoTime next_look(const Situation& situation, MonoTime now) const;
  // True: the database's directory has news about it (made, replaced, deleted, or closed by
  // a process that could write).
  bool wait(const Situation& situation, MonoTime until);

 private:
  bool ignores_writes(const Situation& situation, MonoTime now) const;
  bool is_lately(const Situation& situation, MonoTime now) const;
  bool is_about_us(const std::vector<std::string>& names) const;

  os::Path database_;
  const os::Clock& clock_;
  std::optional<os::Watch> watch_;
  std::optional<os::Poller> with_watch_;  // wakeups and the watch
  std::optional<os::Poller> without_;     // wakeups only
  bool works_ = false;
  bool is_watching_ = false;
  MonoTime last_event_{};    // something was written to the WAL, committed or not
  int looks_ = 0;            // since then
  bool owes_event_ = false;  // it was written while that was no reason to wake up
  MonoTime steady_since_{};  // a writer makes no pauses
  bool is_writer_pausing_ = true;
};

}  // namespace walwrap::replication
