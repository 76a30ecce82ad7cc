// When the next upload may begin: at once after quiet, evenly while writing goes on. Pure.
//
// A token bucket. Each upload takes one token; a token comes back every `interval`, and at most
// `burst` are saved up while nothing is written. On a slow store a token takes longer to come
// back, so that sustained uploads fill no more than a share of the time, up to `longest`: that lag
// is never exceeded for the sake of the share. Owned by one uploader thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "walwrap/base/types.hpp"

namespace walwrap::replication {

// As it is while an upload ends.
enum class Writer { Pauses, NeverPauses };

class Pace {
 public:
  struct Options {
    std::chrono::nanoseconds interval = std::chrono::milliseconds(100);
    int burst = 10;
    int max_share_percent = 20;
    int steady_share_percent = 20;  // beside a writer that never pauses
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
  // What the uploads so far have paid for: the time at which the bucket would be full again.
  MonoTime full_at_{};
  bool is_hurried_ = false;
};

// The pace of all uploads, and a quicker one, if there is one, for those that a client waits for.
class Paces {
 public:
  Paces(Pace::Options all, const std::optional<Pace::Options>& of_waits)
      : all_(all), of_waits_(of_waits.value_or(all)), has_waits_(of_waits.has_value()) {}

  // The quicker one applies.
  bool is_for(bool is_awaited) const { return has_waits_ && is_awaited; }
  MonoTime next_allowed(MonoTime now, bool is_awaited) const {
    const MonoTime next = all_.next_allowed(now);
    return is_for(is_awaited) ? std::min(next, of_waits_.next_allowed(now)) : next;
  }
  // What a client asked for, and so is not paced, does not make others wait.
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
