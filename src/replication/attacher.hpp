// Attaches to a database when its app does not notice: now, or at a moment that is better for it.
//
// Before the app starts and after it has gone, that is at once. Beside the app, a database in
// rollback journal mode waits for a pause (mode_pause.hpp), and one in WAL mode until its app has
// made the WAL index. Until then no connection of ours is open: the app may choose its own journal
// mode. Says in the log what keeps it waiting. Owned by the capture thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/capture/attach_retry.hpp"
#include "walwrap/replication/capture/mode_pause.hpp"
#include "walwrap/sqlite/checkpoint_owner.hpp"
#include "walwrap/sqlite/journal_mode.hpp"

namespace walwrap::replication {

class Attacher {
 public:
  using Others = sqlite::CheckpointOwner::Others;
  using Attached = std::unique_ptr<sqlite::CheckpointOwner>;

  Attacher(os::Path database, std::string name, const os::Clock& clock, const Log& log);

  // nullptr: not now, or there is no database yet. `idle`: between two looks for one that is not
  // there.
  Result<Attached> try_attach(Others others, std::chrono::nanoseconds idle);
  bool is_due(Others others) const;
  MonoTime next_try() const { return next_; }
  // Something has changed in the database's directory.
  void on_news();
  // What was attached could not be used; or it is attached no longer, and is tried again `after`.
  void on_failed();
  void on_detached(std::chrono::nanoseconds after = {});
  // Every writer is gone: the next try is now.
  void on_finishing();
  // And tries have failed since then, for a reason that lasts.
  bool has_no_hope() const { return retry_.has_no_hope(); }
  // "": there is a database, or has not been none for long.
  std::string absence() const;

  // A database that is there and not attached: nothing of it is stored meanwhile.
  struct Waiting {
    MonoTime since{};
    Bytes bytes = 0;       // of the file
    std::string reason{};  // "": for less than a moment
  };
  std::optional<Waiting> waiting() const;

 private:
  bool is_time(const sqlite::ModeSight& sight, MonoTime now);
  bool is_settled(const sqlite::ModeSight& sight, MonoTime now);
  Result<Attached> attach(const sqlite::ModeSight& sight, Others others);
  void on_absent(MonoTime now, std::chrono::nanoseconds idle);
  void on_error(MonoTime now);
  void on_waiting(const sqlite::ModeSight& sight, MonoTime now);
  void on_attached(const sqlite::ModeSight& sight, MonoTime now);
  std::string reason() const;

  os::Path database_;
  std::string name_;
  const os::Clock& clock_;
  const Log& log_;
  ModePause pause_;
  AttachRetry retry_;
  sqlite::ModeSight sight_{};  // the last look
  bool is_absent_ = true;
  bool is_long_absent_ = false;
  MonoTime next_{};                   // beside an app
  MonoTime not_before_{};             // after an error
  std::optional<MonoTime> since_;     // it is there and not attached
  std::optional<MonoTime> wal_seen_;  // in WAL mode, and as sight_ has it
  FailureEpisode episode_;            // of the wait
};

}  // namespace walwrap::replication
