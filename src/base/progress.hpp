// The progress of something that a person waits for: a bar on a terminal, a line every five seconds
// otherwise. Pure except for the log that it is given; the caller gives the time. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "walwrap/base/log.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap {

// `what` goes before it: "restoring". For a command, which writes what comes back.
class Progress {
 public:
  enum class Style { Bar, Lines, None };
  static constexpr std::chrono::milliseconds kBarEvery{100};
  static constexpr std::chrono::milliseconds kLineEvery{5'000};

  Progress(Style style, std::string what, MonoTime begun)
      : style_(style), what_(std::move(what)), begun_(begun), last_(begun) {}

  // What to write now, if anything is due.
  std::optional<std::string> on_progress(Bytes done, Bytes total, MonoTime now);
  // Ends the bar's line; "" if none was begun.
  std::string on_end();

 private:
  Style style_;
  std::string what_;
  MonoTime begun_;
  MonoTime last_;
  bool bar_shown_ = false;
};

// The same for a caller with a log: draws the bar there, or says that the caller's line is due.
class LoggedProgress {
 public:
  LoggedProgress(const Log& log, std::string what, MonoTime begun)
      : log_(log),
        progress_(log.can_draw() ? Progress::Style::Bar : Progress::Style::Lines, std::move(what),
                  begun) {}

  bool is_line_due(Bytes done, Bytes total, MonoTime now);
  // How often it wants to be asked.
  std::chrono::milliseconds pause() const {
    return log_.can_draw() ? Progress::kBarEvery : Progress::kLineEvery;
  }

 private:
  const Log& log_;
  Progress progress_;
};

}  // namespace walwrap
