#include "walwrap/replication/checkpoint.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using Action = CheckpointPolicy::Action;

constexpr wal::Salts kLog{1, 2};
constexpr wal::Salts kNextLog{2, 3};
const MonoTime kStart = MonoTime{} + std::chrono::hours(1);

WalView view(std::uint32_t max_frame, std::uint32_t not_backfilled, wal::Salts salts = kLog) {
  return {.salts = salts,
          .max_frame = max_frame,
          .not_backfilled = not_backfilled,
          .bytes = Bytes{max_frame} * 4120,
          .pinned = false};
}

TEST_CASE("a checkpoint runs after enough pages or in a quiet moment, the brake past the limit") {
  constexpr std::uint32_t kPastLimit = 17'000;  // times 4120 is past 64 MiB
  struct Row {
    const char* what;
    WalView view;
    int quiet_ms;
    Action expected;
  };
  auto pinned = view(kPastLimit, kPastLimit);
  pinned.pinned = true;
  const std::vector<Row> rows = {
      {"nothing in the log", view(0, 0), 1000, Action::None},
      {"all backfilled, however long it is", view(kPastLimit, 0), 0, Action::None},
      {"few pages, busy", view(10, 10), 0, Action::None},
      {"few pages, not quiet for long enough", view(10, 10), 99, Action::None},
      {"few pages, quiet", view(10, 10), 100, Action::Pass},
      {"999 pages, busy", view(999, 999), 0, Action::None},
      {"1000 pages, busy", view(1000, 1000), 0, Action::Pass},
      {"past the limit, busy", view(kPastLimit, 5), 0, Action::Brake},
      {"past the limit, quiet: a pass will do", view(kPastLimit, 5), 100, Action::Pass},
      {"past the limit, but a reader has the log pinned", pinned, 0, Action::Pass},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const CheckpointPolicy policy{CheckpointLimits{}};
    CHECK(policy.decide(row.view, kStart, kStart + milliseconds(row.quiet_ms)) == row.expected);
  }
}

TEST_CASE("a busy writer gets one pass per 1000 pages, not one per look") {
  CheckpointPolicy policy{CheckpointLimits{}};
  policy.on_pass(view(1000, 1000), kStart);
  CHECK(policy.decide(view(1999, 1500), kStart, kStart) == Action::None);
  CHECK(policy.decide(view(2000, 1500), kStart, kStart) == Action::Pass);
}

TEST_CASE("a restarted log is counted from its beginning") {
  CheckpointPolicy policy{CheckpointLimits{}};
  policy.on_pass(view(5000, 5000), kStart);
  CHECK(policy.decide(view(500, 500, kNextLog), kStart, kStart) == Action::None);
  CHECK(policy.decide(view(1000, 1000, kNextLog), kStart, kStart) == Action::Pass);
}

TEST_CASE("a pass that readers held up is tried again once a second while it is quiet") {
  CheckpointPolicy policy{CheckpointLimits{}};
  policy.on_pass(view(10, 10), kStart);
  CHECK(policy.decide(view(10, 10), kStart - milliseconds(200), kStart + milliseconds(999)) ==
        Action::None);
  CHECK(policy.decide(view(10, 10), kStart - milliseconds(200), kStart + milliseconds(1000)) ==
        Action::Pass);
  CHECK(policy.next_look(view(10, 10), kStart - milliseconds(200), kStart) ==
        kStart + milliseconds(1000));
}

TEST_CASE("two brakes keep their distance, and no brake comes where it is switched off") {
  CheckpointPolicy policy{CheckpointLimits{}};
  policy.on_pass(view(17'000, 17'000), kStart);
  policy.on_brake(kStart);
  CHECK(policy.decide(view(17'001, 1), kStart, kStart + milliseconds(19)) == Action::None);
  CHECK(policy.decide(view(17'001, 1), kStart, kStart + milliseconds(20)) == Action::Brake);
  CheckpointLimits limits;
  limits.brake = Brake::Never;
  const CheckpointPolicy never{limits};
  CHECK(never.decide(view(17'000, 5), kStart, kStart) != Action::Brake);
}

TEST_CASE("a log is begun anew before it has grown large, but not with every pass") {
  constexpr std::uint32_t kPastReuse = 2'050;  // times 4120 is past 8 MiB
  CheckpointPolicy policy{CheckpointLimits{}};
  policy.on_pass(view(2'000, 2'000), kStart);
  CHECK(policy.decide(view(2'000, 5), kStart, kStart) == Action::None);
  CHECK(policy.decide(view(kPastReuse, 5), kStart, kStart) == Action::Brake);
  policy.on_brake(kStart);
  const auto soon = kStart + milliseconds(99);
  CHECK(policy.decide(view(kPastReuse, 5), soon, soon) == Action::None);
  CHECK(policy.decide(view(17'000, 5), soon, soon) == Action::Brake);
  const auto later = kStart + milliseconds(100);
  CHECK(policy.decide(view(kPastReuse, 5), later, later) == Action::Brake);
}

TEST_CASE("a hard limit below the reuse limit holds by itself") {
  CheckpointLimits limits;
  limits.hard_limit = 4 << 20;
  const CheckpointPolicy policy{limits};
  CHECK(policy.decide(view(1'100, 5), kStart, kStart) == Action::Brake);
}

TEST_CASE("an empty or backfilled log asks for no further look") {
  const CheckpointPolicy policy{CheckpointLimits{}};
  CHECK(policy.next_look(view(100, 0), kStart, kStart) == MonoTime::max());
  CHECK(policy.next_look(view(100, 1), kStart, kStart) == kStart + milliseconds(100));
}

}  // namespace
}  // namespace walwrap::replication
