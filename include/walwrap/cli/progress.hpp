// How far a restore is, for people: a bar on a terminal, a line every five seconds otherwise.
//
// Pure: the caller says what time it is and writes what comes back. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "walwrap/base/types.hpp"

namespace walwrap::cli {

class Progress {
 public:
  enum class Style { Bar, Lines, None };
  static constexpr std::chrono::milliseconds kBarEvery{100};
  static constexpr std::chrono::milliseconds kLineEvery{5'000};

  Progress(Style style, MonoTime begun) : style_(style), begun_(begun), last_(begun) {}

  // What to write now, if it is time to write something.
  std::optional<std::string> on_progress(Bytes done, Bytes total, MonoTime now);
  // Ends the bar's line; "" if none was begun.
  std::string on_end();

 private:
  Style style_;
  MonoTime begun_;
  MonoTime last_;
  bool bar_shown_ = false;
};

}  // namespace walwrap::cli
