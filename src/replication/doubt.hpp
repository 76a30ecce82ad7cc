// Whether the content at the path can be trusted after files were replaced. SQLite applies any WAL
// that it finds to any database that it finds. Owned by the capture thread.
//
// Before changed files are captured, SQLite checks their integrity. So a damaged database never
// replaces what is stored.
//
// If a file is replaced before its WAL was checkpointed, commits of the old file may be applied to
// the new one. While no other process has the database open, these commits can be dropped.
// Otherwise the app sees the same mixture, and SQLite checks its integrity once more at the end.
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

  // `attachment` still has the old file open. `at_path` is what is there now.
  void on_replaced(Attachment& attachment, const DatabaseFiles& at_path);
  // Something other than SQLite changed the files: the next check() reads the database.
  void on_changed() { is_changed_ = true; }
  // Why `found` must not be captured. "": it may be. Blocks like resolve(), or until stopped.
  std::string check(const Attachment& found, std::function<bool()> stopped);
  // Blocks for a check of the whole database, at most until the deadline.
  void resolve(const Attachment& attachment, MonoTime deadline);
  // "": no doubt.
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
