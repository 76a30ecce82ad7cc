#include "walwrap/supervisor/grace.hpp"

#include <doctest/doctest.h>

#include <optional>

namespace walwrap::supervisor {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct GraceRow {
  const char* name;
  GraceInput input;
  milliseconds app, flush, margin;
};

UploadEstimate upload(milliseconds slow_put, Bytes backlog) {
  return {.slow_put = slow_put, .backlog = backlog};
}

TEST_CASE("the grace is divided into the app's part, the flush's part and a margin") {
  const GraceRow rows[] = {
      {"5 s, nothing known", {5s, FlushNeed::Final, {}}, 3200ms, 1500ms, 300ms},
      {"10 s, nothing known", {10s, FlushNeed::Final, {}}, 6500ms, 3s, 500ms},
      {"30 s, nothing known", {30s, FlushNeed::Final, {}}, 20s, 9s, 1s},
      {"120 s, nothing known", {120s, FlushNeed::Final, {}}, 109s, 10s, 1s},
      {"quick uploads leave more to the app",
       {10s, FlushNeed::Final, upload(20ms, 0)},
       8s,
       1500ms,
       500ms},
      {"the flush is never below a second",
       {5s, FlushNeed::Final, upload(1ms, 0)},
       3700ms,
       1s,
       300ms},
      {"a slow store takes more", {30s, FlushNeed::Final, upload(4s, 0)}, 17s, 12s, 1s},
      {"a backlog takes more",
       {60s, FlushNeed::Final, upload(0ms, 4'194 * 12'000)},  // 12 s at 4 MiB/s
       41s,
       18s,
       1s},
      {"but at most 60 percent",
       {10s, FlushNeed::Final, upload(1h, 1ULL << 60)},
       3500ms,
       6s,
       500ms},
      {"nothing to flush", {10s, FlushNeed::None, {}}, 9500ms, 0ms, 500ms},
      {"a tiny grace still leaves something to each",
       {300ms, FlushNeed::Final, upload(10ms, 0)},
       20ms,
       180ms,
       100ms},
      {"an app that shall get more than that", {10s, FlushNeed::Final, {}, 8s}, 8s, 1500ms, 500ms},
      {"or less", {10s, FlushNeed::Final, upload(1ms, 0), 1s}, 1s, 8500ms, 500ms},
      {"or all of it", {10s, FlushNeed::Final, {}, 60s}, 8s, 1500ms, 500ms},
      {"or all where nothing is to be flushed",
       {10s, FlushNeed::None, {}, 60s},
       9500ms,
       0ms,
       500ms},
      {"no grace", {0ms, FlushNeed::Final, {}}, 0ms, 0ms, 0ms},
      {"a negative grace is none", {-5s, FlushNeed::Final, {}}, 0ms, 0ms, 0ms},
  };
  for (const GraceRow& row : rows) {
    CAPTURE(row.name);
    const auto split = split_grace(row.input);
    CHECK(split.app == row.app);
    CHECK(split.flush == row.flush);
    CHECK(split.margin == row.margin);
  }
}

TEST_CASE("the parts of any grace add up to it, and none is negative") {
  for (int grace_ms = 0; grace_ms <= 200'000; grace_ms += 37) {
    for (const auto put : {0ms, 30ms, 2'000ms, 1'000'000ms}) {
      const GraceInput input{milliseconds{grace_ms}, FlushNeed::Final, upload(put, 1 << 20)};
      const auto split = split_grace(input);
      CAPTURE(grace_ms);
      CAPTURE(put.count());
      CHECK(split.app + split.flush + split.margin == input.grace);
      CHECK(split.app >= 0ms);
      CHECK(split.flush >= 0ms);
      CHECK(split.margin >= 0ms);
    }
  }
}

TEST_CASE("a slow upload is remembered for some time") {
  auto estimate = update_estimate(std::nullopt, 800ms, 10);
  CHECK(estimate.slow_put == 800ms);
  estimate = update_estimate(estimate, 5ms, 20);
  CHECK(estimate.slow_put == 700ms);
  CHECK(estimate.backlog == 20);
  for (int i = 0; i < 40; ++i) estimate = update_estimate(estimate, 5ms, 0);
  CHECK(estimate.slow_put < 20ms);
  CHECK(estimate.slow_put >= 5ms);
}

TEST_CASE("the points of a timeline are in order and end with the grace") {
  const MonoTime now{100s};
  const auto line = plan_timeline({30s, FlushNeed::Final, {}}, now);
  CHECK(line.begun == now);
  CHECK(line.app_until == now + 20s);
  CHECK(line.flush_until == now + 29s);
  CHECK(line.answer_until == now + 29'500ms);
  CHECK(line.end == now + 30s);
}

TEST_CASE("a second timeline can shorten the time and never extends it") {
  const MonoTime now{100s};
  const auto slow = plan_timeline({30s, FlushNeed::Final, {}}, now);
  const auto quick = plan_timeline({5s, FlushNeed::Final, {}}, now + 2s);
  CHECK(hasten(slow, quick).end == now + 7s);
  CHECK(hasten(slow, quick).begun == now);
  CHECK(hasten(quick, slow).end == now + 7s);
  CHECK(hasten(quick, slow).flush_until == quick.flush_until);
}

TEST_CASE("waiting for killed processes takes at most half of the flush") {
  const MonoTime now{100s};
  const auto line = plan_timeline({5s, FlushNeed::Final, {}}, now);
  CHECK(kill_limit(line, now) == now + 1s);
  CHECK(kill_limit(line, line.flush_until - 800ms) == line.flush_until - 400ms);
  CHECK(kill_limit(line, line.flush_until + 1s) == line.flush_until + 1s);
}

}  // namespace
}  // namespace walwrap::supervisor
