// When the capture thread looks at the WAL: after an event, after some time, or on request.
//
// A write to the WAL is seen before its commit is published, so a few looks follow an event, at
// growing intervals. A writer without pauses is looked at every 10 ms and not watched, because each
// of its writes would cost it a kernel event. An idle database costs one look every two seconds, or
// four a second without inotify. Owned by the capture thread.
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
  // Descriptors that end a wait when they become readable. A failure to create a poller is a bug.
  void start(const std::vector<int>& wakeups);
  bool works() const { return works_; }  // inotify works

  // For a WAL that exists from now on. The caller must look at it soon, because of earlier writes.
  void watch_wal();
  void on_commit(MonoTime now);
  void on_look() { ++looks_; }
  // Call it after a look: watches or stops watching, depending on the writer's pauses.
  void choose(MonoTime now, MonoTime last_commit);
  // False: for some time there were commits with only very short pauses between them.
  bool is_writer_pausing() const { return is_writer_pausing_; }
  // Between two looks at an idle file.
  std::chrono::nanoseconds idle_pause() const;

  struct Situation {
    bool attached = false;
    bool has_pending = false;
    bool is_finishing = false;
  };
  MonoTime next_look(const Situation& situation, MonoTime now) const;
  // True: something happened to the database's files in its directory (created, replaced, deleted,
  // or closed by a process that could write).
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
  MonoTime last_event_{};    // the WAL was written to, committed or not
  int looks_ = 0;            // since then
  bool owes_event_ = false;  // it was written while events were ignored
  MonoTime steady_since_{};  // the writer makes no pauses
  bool is_writer_pausing_ = true;
};

}  // namespace walwrap::replication
