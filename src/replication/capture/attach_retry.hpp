// When to try again to attach a database, and when to warn that there is none. Pure; owned by the
// capture thread.
//
// A try that fails for a lasting reason (no free descriptors, a file that is not a database) is
// repeated less and less often, and at once when the file at the path changes. An event in the
// directory alone means nothing, because the tries themselves cause events.
#pragma once

#include <optional>
#include <string>

#include "walwrap/base/backoff.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/os/file_stamp.hpp"

namespace walwrap::replication {

class AttachRetry {
 public:
  // A path without a database causes a warning this long after the start.
  static constexpr std::chrono::seconds kPatience{10};

  static constexpr int kTriesAtEnd = 10;

  using File = std::optional<os::FileStamp>;  // at the path; none: no file

  bool is_due(MonoTime now) const { return now >= next_; }
  MonoTime next() const { return next_; }

  // There is nothing to attach. True once: the path has been empty for longer than a moment.
  bool on_absent(MonoTime now, std::chrono::nanoseconds pause);
  void on_busy(MonoTime now);  // a lock that will be free soon
  void on_failure(const File& file, MonoTime now);
  void on_attached();
  // The file is not attached any more. `after` gives its writer some time.
  void on_detached(MonoTime now, std::chrono::nanoseconds after);
  // Something happened in the directory. True: the file that failed has changed or was replaced.
  bool on_news(const File& file, MonoTime now);
  // Every writer has ended, and tries have failed for a second for a lasting reason.
  bool has_no_hope() const { return failed_at_end_ >= kTriesAtEnd; }
  // A stop: try now, and then at short intervals. True: for the first time.
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
