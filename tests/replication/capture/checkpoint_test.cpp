#include "walwrap/replication/capture/checkpoint.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace walwrap::replication {
namespace {

using std::chrono::milliseconds;
using Action = CheckpointPolicy::Action;

constexpr wal::Salts kSalts{1, 2};
constexpr wal::Salts kNextLog{2, 3};
constexpr std::uint32_t kPastReuse = 2'050;  // frames; times 4120 is past 8 MiB
constexpr std::uint32_t kPastHard = 17'000;  // past 64 MiB
const MonoTime kStart = MonoTime{} + std::chrono::hours(1);

WalView view(std::uint32_t max_frame, std::uint32_t not_backfilled, wal::Salts salts = kSalts) {
  return {.salts = salts,
          .max_frame = max_frame,
          .not_backfilled = not_backfilled,
          .bytes = Bytes{max_frame} * 4120};
}

WalView pinned(WalView view) {
  view.pinned = true;
  return view;
}

WalView own_read(WalView view) {
  view.own_read = true;
  return view;
}

// Every pass so far ended after the next commit.
CheckpointPolicy without_gaps(CheckpointLimits limits = {}) {
  CheckpointPolicy policy{limits};
  for (int i = 0; i < limits.gap_tries; ++i) policy.on_pass(view(1'000, 500), 5, kStart);
  return policy;
}

CheckpointPolicy without_lending(BlockingCheckpoints when = BlockingCheckpoints::Auto) {
  CheckpointLimits limits;
  limits.blocking_checkpoints = when;
  auto policy = without_gaps(limits);
  policy.forbid_lending();
  return policy;
}

TEST_CASE("the checkpoint policy follows the WAL's length, the writer's pauses and the readers") {
  struct Row {
    const char* what;
    CheckpointPolicy policy;
    WalView view;
    int quiet_ms;
    Action expected;
  };
  const CheckpointPolicy fresh{CheckpointLimits{}};
  const std::vector<Row> rows = {
      {"nothing in the log", fresh, view(0, 0), 1000, Action::None},
      {"all backfilled, however long it is", fresh, view(kPastHard, 0), 0, Action::None},
      {"few pages, busy", fresh, view(10, 10), 0, Action::None},
      {"few pages, not quiet for long enough", fresh, view(10, 10), 99, Action::None},
      {"few pages, quiet", fresh, view(10, 10), 100, Action::Pass},
      {"999 pages, busy", fresh, view(999, 999), 0, Action::None},
      {"1000 pages, busy: between two commits", fresh, view(1000, 1000), 0,
       Action::PassAfterCommit},
      {"past the limit, gaps: never more than that", fresh, view(kPastHard, 5), 0,
       Action::PassAfterCommit},
      {"past the limit, quiet: a pass will do", without_gaps(), view(kPastHard, 5), 100,
       Action::Pass},
      {"no gaps, short", without_gaps(), view(2'000, 2'000), 0, Action::None},
      {"no gaps, past the reuse limit", without_gaps(), view(kPastReuse, 5), 0, Action::Lend},
      {"no gaps, past the hard limit", without_gaps(), view(kPastHard, 5), 0, Action::Lend},
      {"lending does not work, short", without_lending(), view(1'500, 5), 0, Action::None},
      {"lending does not work, enough pages", without_lending(), view(2'000, 5), 0, Action::Pass},
      {"lending does not work, past the limit", without_lending(), view(kPastReuse, 5), 0,
       Action::BlockWriters},
      {"nor may writers be held", without_lending(BlockingCheckpoints::Never), view(kPastHard, 5),
       0, Action::Pass},
      {"blocking checkpoints may be off, lending is not one",
       without_gaps({.blocking_checkpoints = BlockingCheckpoints::Never}), view(kPastHard, 5), 0,
       Action::Lend},
      {"an app's reader has it pinned: nothing but passes", without_gaps(),
       pinned(view(kPastHard, 17'000)), 0, Action::Pass},
      {"an app's reader has it pinned, few pages", without_gaps(), pinned(view(1'001, 5)), 0,
       Action::None},
      {"our own read, short", fresh, own_read(view(kPastReuse, 5)), 0, Action::None},
      {"our own read, past the hard limit", fresh, own_read(view(kPastHard, 5)), 0,
       Action::RecallSnapshot},
      {"our own read, past the hard limit, quiet", fresh, own_read(view(kPastHard, 5)), 100,
       Action::Pass},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(row.policy.decide(row.view, kStart, kStart + milliseconds(row.quiet_ms)) == row.expected);
  }
}

TEST_CASE("a writer with pauses gets one checkpoint per 1000 pages, and is never blocked") {
  CheckpointPolicy policy{CheckpointLimits{}};
  MonoTime now = kStart;
  for (std::uint32_t log = 1; log < 1'000; ++log) {
    const wal::Salts salts{log, log};
    CHECK(policy.decide(view(999, 999, salts), now, now) == Action::None);
    CHECK(policy.decide(view(1'000, 1'000, salts), now, now) == Action::PassAfterCommit);
    policy.on_pass(view(1'000, 1'000, salts), 0, now);
    now += milliseconds(30);
  }
}

TEST_CASE("a checkpoint that missed a pause is tried again soon, and six misses mean no pauses") {
  CheckpointPolicy policy{CheckpointLimits{}};
  MonoTime now = kStart;
  for (int i = 0; i < 6; ++i) {
    policy.on_pass(view(1'000, 1'000), 3, now);
    CHECK(policy.decide(view(1'010, 13), now, now + milliseconds(4)) == Action::None);
    if (i < 5) {
      CHECK(policy.next_look(view(1'010, 13), now, now) == now + milliseconds(5));
      CHECK(policy.decide(view(1'010, 13), now, now + milliseconds(5)) == Action::PassAfterCommit);
    }
    now += milliseconds(5);
  }
  CHECK(policy.decide(view(1'010, 13), now, now) == Action::None);
  // Two tries a second later; where they fail too, two seconds later, and so on up to a minute.
  CHECK(policy.decide(view(1'010, 13), now + milliseconds(900), now + milliseconds(900)) ==
        Action::None);
  now += milliseconds(1'000);
  CHECK(policy.decide(view(1'010, 13), now, now) == Action::PassAfterCommit);
  policy.on_pass(view(1'010, 13), 3, now);
  policy.on_pass(view(1'020, 13), 3, now);
  now += milliseconds(1'990);
  CHECK(policy.decide(view(1'030, 13), now, now) == Action::None);
  now += milliseconds(10);
  CHECK(policy.decide(view(1'030, 13), now, now) == Action::PassAfterCommit);
  policy.on_pass(view(1'030, 13), 0, now);  // that one found its gap
  CHECK(policy.decide(view(500, 500, kNextLog), now, now) == Action::None);
}

TEST_CASE("before a writer is blocked, its pauses in the last second are checked again") {
  auto policy = without_lending();
  const auto soon = kStart + milliseconds(999);
  const auto later = kStart + milliseconds(1'000);
  CHECK(policy.decide(view(kPastHard, 5), soon, soon) == Action::BlockWriters);
  CHECK(policy.decide(view(kPastHard, 5), later, later) == Action::PassAfterCommit);
  policy.on_pass(view(kPastHard, 5), 3, later);
  CHECK(policy.decide(view(kPastHard, 5), later, later + milliseconds(5)) ==
        Action::PassAfterCommit);
  policy.on_pass(view(kPastHard, 5), 3, later + milliseconds(5));
  CHECK(policy.decide(view(kPastHard, 5), later, later + milliseconds(10)) == Action::BlockWriters);
}

TEST_CASE("a checkpoint that a reader or walwrap's own read limits misses no pause") {
  CheckpointPolicy policy{CheckpointLimits{}};
  for (int i = 0; i < 10; ++i) policy.on_pass(own_read(view(1'000, 500)), 5, kStart);
  for (int i = 0; i < 10; ++i) policy.on_pass(pinned(view(1'000, 500)), 5, kStart);
  CHECK(policy.decide(view(2'000, 500), kStart, kStart) == Action::PassAfterCommit);
}

TEST_CASE("a restarted WAL is counted from its beginning") {
  CheckpointPolicy policy{CheckpointLimits{}};
  policy.on_pass(view(5000, 5000), 0, kStart);
  CHECK(policy.decide(view(500, 500, kNextLog), kStart, kStart) == Action::None);
  CHECK(policy.decide(view(1000, 1000, kNextLog), kStart, kStart) == Action::PassAfterCommit);
}

TEST_CASE("a checkpoint that readers limited is tried again once a second without writes") {
  CheckpointPolicy policy{CheckpointLimits{}};
  policy.on_pass(view(10, 10), 10, kStart);
  CHECK(policy.decide(view(10, 10), kStart - milliseconds(200), kStart + milliseconds(999)) ==
        Action::None);
  CHECK(policy.decide(view(10, 10), kStart - milliseconds(200), kStart + milliseconds(1000)) ==
        Action::Pass);
  CHECK(policy.next_look(view(10, 10), kStart - milliseconds(200), kStart) ==
        kStart + milliseconds(1000));
}

TEST_CASE("blocking checkpoints and lendings keep a minimum distance in time") {
  const auto later = [](int ms) { return kStart + milliseconds(ms); };
  auto blocks = without_lending();
  blocks.on_blocking_checkpoint(kStart);
  CHECK(blocks.decide(view(kPastHard, 1), later(19), later(19)) != Action::BlockWriters);
  CHECK(blocks.decide(view(kPastHard, 1), later(20), later(20)) == Action::BlockWriters);
  CHECK(blocks.decide(view(kPastReuse, 5), later(99), later(99)) != Action::BlockWriters);
  CHECK(blocks.decide(view(kPastReuse, 5), later(100), later(100)) == Action::BlockWriters);
  auto lends = without_gaps();
  lends.on_lent(Lent::Restarts, view(kPastReuse, 5), kStart);
  CHECK(lends.decide(view(kPastHard, 1), later(19), later(19)) == Action::None);
  CHECK(lends.decide(view(kPastHard, 1), later(20), later(20)) == Action::Lend);
  CHECK(lends.decide(view(kPastHard / 4 * 3, 5), later(20), later(20)) == Action::Lend);
  CHECK(lends.decide(view(kPastHard / 2, 5), later(20), later(20)) == Action::None);
  CHECK(lends.decide(view(kPastReuse, 5), later(249), later(249)) == Action::None);
  CHECK(lends.decide(view(kPastReuse, 5), later(250), later(250)) == Action::Lend);
}

TEST_CASE("the result of a lending decides on the next one") {
  struct Row {
    const char* what;
    std::vector<Lent> ended;
    std::uint32_t frames;
    int after_ms;
    Action expected;
  };
  const auto nine = std::vector<Lent>(9, Lent::NotFinished);
  const std::vector<Row> rows = {
      {"it worked", {Lent::Restarts}, kPastHard, 20, Action::Lend},
      {"the app was pausing", {Lent::Nothing}, kPastHard, 20, Action::Lend},
      {"a reader was in the way once", {Lent::NotFinished}, kPastHard, 20, Action::Lend},
      {"readers are in the way again and again", nine, kPastHard, 20, Action::BlockWriters},
      {"a second later still", nine, kPastHard, 999, Action::BlockWriters},
      {"no checkpoint of a WAL of 2,050 frames", {Lent::NoCheckpoint}, 4'099, 900, Action::None},
      {"but of twice as many, perhaps", {Lent::NoCheckpoint}, 4'100, 900, Action::Lend},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CheckpointLimits limits;
    limits.first_no_gaps = limits.most_no_gaps = std::chrono::hours(1);
    auto policy = without_gaps(limits);
    for (const Lent ended : row.ended) policy.on_lent(ended, view(kPastReuse, 5), kStart);
    const auto now = kStart + milliseconds(row.after_ms);
    CHECK(policy.decide(view(row.frames, 5), now, now) == row.expected);
  }
}

TEST_CASE("an app that makes no checkpoints is blocked past the hard limit and not before") {
  CheckpointLimits limits;
  limits.first_no_gaps = limits.most_no_gaps = std::chrono::hours(1);
  auto policy = without_gaps(limits);
  policy.on_lent(Lent::NoCheckpoint, view(12'000, 5), kStart);
  const auto now = kStart + milliseconds(200);
  CHECK(policy.decide(view(16'000, 5), now, now) == Action::None);
  CHECK(policy.decide(view(kPastHard, 5), now, now) == Action::BlockWriters);
}

TEST_CASE("a hard limit below the reuse limit applies on its own") {
  CheckpointLimits limits;
  limits.hard_limit = 2 << 20;
  CHECK(CheckpointPolicy{limits}.decide(view(600, 5), kStart, kStart) == Action::PassAfterCommit);
  CHECK(without_gaps(limits).decide(view(600, 5), kStart, kStart) == Action::Lend);
}

TEST_CASE("an empty or backfilled WAL needs no further check") {
  const CheckpointPolicy policy{CheckpointLimits{}};
  CHECK(policy.next_look(view(100, 0), kStart, kStart) == MonoTime::max());
  CHECK(policy.next_look(view(100, 1), kStart, kStart) == kStart + milliseconds(100));
}

}  // namespace
}  // namespace walwrap::replication
