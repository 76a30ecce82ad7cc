// Detects an exchange that hardly progresses. Pure; owned by one request.
#pragma once

#include <chrono>

#include "walwrap/base/types.hpp"

namespace walwrap::http {

class StallWatch {
 public:
  struct Limits {
    std::chrono::milliseconds window;
    Bytes bytes_per_second;  // fewer bytes over a whole window: stalled
  };
  explicit StallWatch(Limits limits) : limits_(limits) {}

  // `moved` counts all bytes in both directions since the exchange began.
  bool is_stalled(MonoTime now, Bytes moved) {
    const auto enough =
        limits_.bytes_per_second * static_cast<Bytes>(limits_.window.count()) / 1000;
    if (!is_started_ || moved - moved_before_ >= enough) {
      is_started_ = true;
      since_ = now;
      moved_before_ = moved;
    }
    return now - since_ >= limits_.window;
  }

 private:
  Limits limits_;
  bool is_started_ = false;
  MonoTime since_{};  // the start of the window, and the bytes moved before it
  Bytes moved_before_ = 0;
};

}  // namespace walwrap::http
