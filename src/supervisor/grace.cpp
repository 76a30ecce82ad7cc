#include "walwrap/supervisor/grace.hpp"

#include <algorithm>

namespace walwrap::supervisor {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLeastMargin{300};
constexpr milliseconds kMostMargin{1'000};
constexpr milliseconds kLeastFlush{1'000};
constexpr milliseconds kMostFirstFlush{10'000};
// Reports have no throughput. 4 MiB/s is a slow uplink, and the 60 % limit bounds the cost of an
// error in either direction.
constexpr Bytes kAssumedBytesPerMs = (4ULL << 20) / 1'000;
// Keeps the sums below from overflowing, whatever a report says.
constexpr Bytes kMostBacklog = 1ULL << 50;
// An answer sent at the last moment must still be read.
constexpr milliseconds kLeastAnswerSlack{100};
constexpr milliseconds kKillLimit{1'000};
constexpr int kSlowPutDecay = 8;
constexpr milliseconds kMostPut{3'600'000};

milliseconds margin_of(milliseconds grace) {
  const auto usual = std::clamp(grace / 20, kLeastMargin, kMostMargin);
  return std::min(usual, grace / 3);
}

milliseconds least_share(milliseconds grace) {
  return grace * 15 / 100;
}

milliseconds flush_of(milliseconds grace, const std::optional<UploadEstimate>& estimate) {
  const auto most = grace * 6 / 10;
  if (!estimate) return std::min(std::min(grace * 3 / 10, kMostFirstFlush), most);
  const auto put = std::clamp(estimate->slow_put, milliseconds{0}, kMostPut);
  const auto backlog_ms = std::min(estimate->backlog, kMostBacklog) / kAssumedBytesPerMs;
  const auto upload = 2 * put + milliseconds{static_cast<milliseconds::rep>(backlog_ms)};
  const auto least = std::max(kLeastFlush, least_share(grace));
  return std::min(std::max(upload * 3 / 2, least), most);
}

}  // namespace

UploadEstimate update_estimate(const std::optional<UploadEstimate>& before,
                               std::chrono::milliseconds last_put, Bytes backlog) {
  const auto remembered =
      before ? before->slow_put - before->slow_put / kSlowPutDecay : milliseconds{0};
  return {.slow_put = std::max(last_put, remembered), .backlog = backlog};
}

GraceSplit split_grace(const GraceInput& input) {
  const auto grace = std::max(input.grace, milliseconds{0});
  GraceSplit split;
  split.margin = margin_of(grace);
  const auto rest = grace - split.margin;
  const bool must_flush = input.need == FlushNeed::Final;
  if (input.app) {
    const auto most = rest - (must_flush ? least_share(grace) : milliseconds{0});
    split.app = std::clamp(*input.app, milliseconds{0}, most);
  } else {
    split.app = rest - (must_flush ? flush_of(grace, input.estimate) : milliseconds{0});
  }
  split.flush = rest - split.app;
  return split;
}

Timeline plan_timeline(const GraceInput& input, MonoTime now) {
  const auto split = split_grace(input);
  Timeline line;
  line.begun = now;
  line.app_until = now + split.app;
  line.flush_until = line.app_until + split.flush;
  line.answer_until = line.flush_until + std::max(split.margin / 2, kLeastAnswerSlack);
  line.end = line.flush_until + split.margin;
  return line;
}

Timeline hasten(const Timeline& running, const Timeline& fresh) {
  return {.begun = running.begun,
          .app_until = std::min(running.app_until, fresh.app_until),
          .flush_until = std::min(running.flush_until, fresh.flush_until),
          .answer_until = std::min(running.answer_until, fresh.answer_until),
          .end = std::min(running.end, fresh.end)};
}

MonoTime kill_limit(const Timeline& line, MonoTime now) {
  const auto left = std::max(line.flush_until - now, MonoTime::duration{0});
  return now + std::min<MonoTime::duration>(kKillLimit, left / 2);
}

}  // namespace walwrap::supervisor
