// When a database that could not be attached is tried again, and when a person is told that there
// is none. Pure; owned by the capture thread.
//
// A try that fails for a reason that lasts (no descriptors left, a file that is no database) is
// repeated ever more seldom, and at once when the file at the path changes: an event in its
// directory alone says nothing, for the tries make some themselves.
#pragma once

#include <optional>
#include <string>

#include "walwrap/base/backoff.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file_stamp.hpp"

namespace walwrap::replication {

class AttachRetry {
 public:
  // How long after the start a path without a database is worth a warning.
  static constexpr std::chrono::seconds kPatience{10};

  static constexpr int kTriesAtEnd = 10;

  using File = std::optional<os::FileStamp>;  // at the path; none: nothing there

  bool is_due(MonoTime now) const { return now >= next_; }
  MonoTime next() const { return next_; }

  // There is nothing to attach. True, once: for longer than a moment now.
  bool on_absent(MonoTime now, std::chrono::nanoseconds pause);
  void on_busy(MonoTime now);  // a lock that will be free soon
  void on_failure(const File& file, MonoTime now);
  void on_attached();
  // A file that was attached is not any more: `after` gives its writer a moment.
  void on_detached(MonoTime now, std::chrono::nanoseconds after);
  // Something happened in the directory. True: the file that failed is another one now.
  bool on_news(const File& file, MonoTime now);
  // Every writer has ended, and tries for a second have failed for a lasting reason.
  bool has_no_hope() const { return failed_at_end_ >= kTriesAtEnd; }
  // A stop: the next try is now, and the ones after it are near. True: for the first time.
  bool on_finishing(MonoTime now);

 private:
  MonoTime next_{};
  File failed_;
  bool has_failed_ = false;
  bool is_finishing_ = false;
  int failed_at_end_ = 0;
  Backoff backoff_{
      {.first = std::chrono::milliseconds(100), .ceiling = std::chrono::milliseconds(5'000)}};
  std::optional<MonoTime> absent_since_;
  bool has_said_ = false;
};

}  // namespace walwrap::replication
