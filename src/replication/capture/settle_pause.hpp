// When a database that no process has open becomes one file: soon, but without disturbing an app
// that opens it for each transaction. Truncating the WAL holds the write lock for a moment, and an
// app without a busy timeout would fail.
//
// So the required pause grows each time the app returns during the pause or just after it. Pure;
// owned by the capture thread.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

class SettlePause {
 public:
  enum class Use { Unused, InUse };
  // Something happened to the files: a process may have closed them.
  void on_event() { may_be_unused_ = true; }
  bool wants_look(MonoTime now) const { return may_be_unused_ && now >= next_look_; }
  // `last_commit` is the newest known commit. True: settle the database now, and call on_settle().
  bool on_look(Use use, MonoTime last_commit, MonoTime now);
  void on_settle(bool done, MonoTime now);
  bool is_settled() const { return settled_.has_value(); }  // and no process has opened it since
  // MonoTime::max(): no further look is needed.
  MonoTime next_look(MonoTime now) const {
    return may_be_unused_ && now < next_look_ ? next_look_ : MonoTime::max();
  }

 private:
  void on_back(MonoTime now);

  static constexpr std::chrono::milliseconds kShortest{1};
  static constexpr std::chrono::milliseconds kLongest{250};
  bool may_be_unused_ = false;
  MonoTime next_look_{};
  std::chrono::nanoseconds needed_ = kShortest;
  std::optional<MonoTime> unused_since_;
  std::optional<MonoTime> settled_;  // unused since then, as far as known
};

}  // namespace walwrap::replication
