// When the next upload may begin: at once after quiet, evenly while writing goes on. Pure.
//
// A token bucket. Each upload takes one token; a token comes back every `interval`, and at most
// `burst` are saved up while nothing is written. On a slow store a token takes longer to come
// back, so that sustained uploads fill no more than a share of the time, up to `longest`: that lag
// is never exceeded for the sake of the share. Owned by one uploader thread.
#pragma once

#include <chrono>

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

}  // namespace walwrap::replication
