// Whether what is at the path can be trusted after other files were put there: SQLite lays
// whatever WAL it finds over whatever database it finds. Owned by the capture thread.
//
// Before anything of changed files is captured, SQLite is asked whether they are whole, so that
// what is damaged never replaces what is stored.
//
// Where a file is replaced before its WAL was checkpointed, commits of the old one may lie over the
// new one. As long as nobody else has the database open they can be dropped. Else what has come of
// it is what the app sees, too, and at the end SQLite is asked once more whether it is whole.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "walwrap/base/log.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/replication/attachment.hpp"

namespace walwrap::replication {

class Doubt {
 public:
  Doubt(std::string name, const os::Clock& clock, const Log& log)
      : name_(std::move(name)), clock_(clock), log_(log) {}

  // `attachment` is to the old file still; `at_path` is not that any more.
  void on_replaced(Attachment& attachment, const DatabaseFiles& at_path);
  // The files were changed by something that is not SQLite: the next check() looks.
  void on_changed() { is_changed_ = true; }
  // Why `found` must not be captured; "": it may be. Blocks as resolve() does, or until told to
  // stop.
  std::string check(const Attachment& found, std::function<bool()> stopped);
  // Blocks for as long as a check of the whole database takes, and not beyond the deadline.
  void resolve(const Attachment& attachment, MonoTime deadline);
  // "": none.
  const std::string& text() const { return text_; }

 private:
  std::string name_;
  const os::Clock& clock_;
  const Log& log_;
  std::string text_;
  bool is_changed_ = false;
  std::string damage_;  // of the file that was checked last
  os::FileId damaged_{};
  MonoTime next_check_{};
  std::chrono::nanoseconds pause_{};
};

}  // namespace walwrap::replication
