// Attaches to a database at a moment when its app does not notice.
//
// Before the app starts and after it has ended, the attacher attaches at once. While the app runs,
// it waits for a pause if the database is in rollback journal mode (mode_pause.hpp). In WAL mode it
// waits until the app has created the WAL index. Until then walwrap has no connection open, so the
// app can choose its own journal mode. The log says what the attacher waits for. Owned by the
// capture thread.
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

  // nullptr: not now, or there is no database yet. `idle`: the interval between two checks for a
  // missing database.
  Result<Attached> try_attach(Others others, std::chrono::nanoseconds idle);
  bool is_due(Others others) const;
  MonoTime next_try() const { return next_; }
  // Something has changed in the database's directory.
  void on_news();
  // The attachment could not be used. Or it has ended, and the next try comes `after` this time.
  void on_failed();
  void on_detached(std::chrono::nanoseconds after = {});
  // Every writer has ended: try again now.
  void on_finishing();
  // Tries have failed since on_finishing(), for a reason that does not pass.
  bool has_no_hope() const { return retry_.has_no_hope(); }
  // "": there is a database, or it has been missing for a short time only.
  std::string absence() const;

  // The database exists and is not attached. Meanwhile nothing is stored.
  struct Waiting {
    MonoTime since{};
    Bytes bytes = 0;       // of the file
    std::string reason{};  // "": the wait is still short
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
  sqlite::ModeSight sight_{};  // from the last check
  bool is_absent_ = true;
  bool is_long_absent_ = false;
  MonoTime next_{};                   // while the app runs
  MonoTime not_before_{};             // after an error
  std::optional<MonoTime> since_;     // the database exists and is not attached
  std::optional<MonoTime> wal_seen_;  // it is in WAL mode, and unchanged since sight_
  FailureEpisode episode_;            // of the wait
};

}  // namespace walwrap::replication
