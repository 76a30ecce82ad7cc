// When the next upload may begin: at once after a pause, at even intervals during continuous
// writes. Pure.
//
// A token bucket. Each upload takes one token. A token returns every `interval`, and at most
// `burst` tokens are saved while nothing is written. On a slow store tokens return later, so that
// continuous uploads use only a share of the time. The delay is at most `longest`: that lag has
// priority over the share. Owned by one uploader thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

// The writer's behaviour when an upload ends.
enum class Writer { Pauses, NeverPauses };

class Pace {
 public:
  struct Options {
    std::chrono::nanoseconds interval = std::chrono::milliseconds(100);
    int burst = 10;
    int max_share_percent = 20;
    int steady_share_percent = 20;  // for a writer that never pauses
    std::chrono::nanoseconds longest = std::chrono::seconds(1);
  };
  explicit Pace(Options options);

  // The earliest time at which an upload may begin: `now`, or later.
  MonoTime next_allowed(MonoTime now) const;
  // An upload began at `started` and was acknowledged, or given up, after `took`.
  void on_upload(MonoTime started, std::chrono::nanoseconds took, Writer writer);
  // A stop has begun: no limit from now on.
  void hurry() { is_hurried_ = true; }

 private:
  Options options_;
  // The time at which the bucket would be full again, after all uploads so far.
  MonoTime full_at_{};
  bool is_hurried_ = false;
};

// The pace of all uploads, and optionally a faster pace for uploads that a client waits for.
class Paces {
 public:
  Paces(Pace::Options all, const std::optional<Pace::Options>& of_waits)
      : all_(all), of_waits_(of_waits.value_or(all)), has_waits_(of_waits.has_value()) {}

  // The faster pace applies.
  bool is_for(bool is_awaited) const { return has_waits_ && is_awaited; }
  MonoTime next_allowed(MonoTime now, bool is_awaited) const {
    const MonoTime next = all_.next_allowed(now);
    return is_for(is_awaited) ? std::min(next, of_waits_.next_allowed(now)) : next;
  }
  // An upload that a client requested has no pace and does not delay others.
  void on_upload(MonoTime started, std::chrono::nanoseconds took, Writer writer, bool is_paced) {
    if (is_paced) all_.on_upload(started, took, writer);
    of_waits_.on_upload(started, took, writer);
  }
  void hurry() { all_.hurry(); }

 private:
  Pace all_;
  Pace of_waits_;
  bool has_waits_ = false;
};

}  // namespace walwrap::replication
