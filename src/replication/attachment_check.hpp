// Checks whether the attached files are still the database at the path, and says what to do if not.
//
// Another process may move, replace or overwrite the files while they are open here. Each check
// compares the files at the path with the open ones, and the database file with its state after the
// last checkpoint. The result tells the capture loop what to do. The check itself changes nothing,
// except that it drops the stale WAL of a replaced database (Doubt). Owned by the capture loop.
//
//   at the path                  written by others  answer
//   what is open here            no                 GoOn
//   what is open here            yes                Detach, and a pause for that writer to end
//   a hidden database            -                  GoOn: what is open here is read
//   no -wal or -shm, app has it  -                  GoOn: what is open here is read
//   no -wal or -shm, unused      -                  Settle: one file again, then detach
//   no database, or other files  -                  Detach
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "walwrap/base/log.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/attachment.hpp"
#include "walwrap/replication/doubt.hpp"

namespace walwrap::replication {

class AttachmentCheck {
 public:
  AttachmentCheck(os::Path database, std::string name, const os::Clock& clock, const Log& log)
      : database_(std::move(database)),
        name_(name),
        log_(log),
        doubt_(std::move(name), clock, log) {}

  enum class Next { GoOn, Settle, Detach };
  struct Found {
    Next next = Next::GoOn;
    std::string_view reason{};          // for the detach
    std::chrono::nanoseconds pause{0};  // before the next attach
  };
  // Called at each look and before each verdict.
  Found check(Attachment& attachment, Attachment::Checkpoints who, bool is_finishing);
  // The database file is not as walwrap's checkpoints left it.
  Found on_foreign_write(Attachment& attachment);

  // For files that are about to be attached after others were there: why they are damaged. "": they
  // are not.
  std::string find_damage(const Attachment& found, std::function<bool()> stopped) {
    return doubt_.check(found, std::move(stopped));
  }
  Doubt& doubt() { return doubt_; }
  const Doubt& doubt() const { return doubt_; }
  // Which file of the attachment is missing. "": none.
  const std::string& error() const { return error_; }

 private:
  os::Path database_;
  std::string name_;
  const Log& log_;
  Doubt doubt_;
  std::string error_;
};

}  // namespace walwrap::replication
