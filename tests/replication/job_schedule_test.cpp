#include "walwrap/replication/job_schedule.hpp"

#include <doctest/doctest.h>

namespace walwrap::replication {
namespace {

using Situation = JobSchedule::Situation;

constexpr MonoTime kNow{std::chrono::hours(1)};

JobSchedule schedule_with_one_token() {
  return JobSchedule({.interval = std::chrono::milliseconds(100), .burst = 1}, std::nullopt);
}

UploadDone stored_changes(bool wants_all_frames = false) {
  UploadDone done;
  done.answer = answer::Changes{.stored = true, .bytes = 100};
  done.started = kNow;
  done.took = std::chrono::milliseconds(1);
  done.wants_all_frames = wants_all_frames;
  return done;
}

TEST_CASE("the due job follows from what waits, and a comparison comes first") {
  struct Row {
    const char* name;
    Situation situation;
    bool is_snapshot_asked;
    std::optional<std::size_t> kind;  // index in JobKind
    bool all_pages;
  };
  constexpr std::size_t kChanges = 0, kCompare = 1, kSnapshot = 2;
  const Row rows[] = {
      {"nothing waits", {.can_lend = true}, false, std::nullopt, false},
      {"pages wait", {.can_lend = true, .has_pending = true}, false, kChanges, false},
      {"pages wait, the snapshot is lent", {.has_pending = true}, false, std::nullopt, false},
      {"not compared, and something is stored",
       {.can_lend = true, .needs_compare = true, .txid = Txid{3}},
       true,
       kCompare,
       true},
      {"not compared, and nothing is stored",
       {.can_lend = true, .needs_compare = true},
       false,
       kChanges,
       true},
      {"a snapshot is asked for", {.can_lend = true, .has_pending = true}, true, kSnapshot, true},
      {"a snapshot is asked for, and a stop has begun",
       {.can_lend = true, .has_pending = true, .may_snapshot = false},
       true,
       kChanges,
       false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    JobSchedule schedule = schedule_with_one_token();
    if (row.is_snapshot_asked) schedule.on_snapshot_asked(1);
    const auto choice = schedule.choose(row.situation, kNow);
    schedule.check_invariants();
    REQUIRE(choice.has_value() == row.kind.has_value());
    if (!choice) {
      CHECK(schedule.next() == MonoTime::max());
      continue;
    }
    CHECK(choice->kind.index() == *row.kind);
    CHECK(choice->all_pages == row.all_pages);
  }
}

TEST_CASE("no job is due while another one runs") {
  JobSchedule schedule = schedule_with_one_token();
  const Situation waiting{.can_lend = true, .has_pending = true};
  REQUIRE(schedule.choose(waiting, kNow));
  schedule.on_offered({.bytes = 4096}, false, false, false);
  CHECK(schedule.is_out());
  CHECK(schedule.bytes_out() == 4096);
  CHECK_FALSE(schedule.choose(waiting, kNow));
  schedule.check_invariants();
  CHECK(schedule.on_answer(stored_changes(), Writer::Pauses).bytes == 4096);
  CHECK_FALSE(schedule.is_out());
  CHECK(schedule.bytes_out() == 0);
}

TEST_CASE("a second upload waits for its pace, unless a client wants it stored now") {
  JobSchedule schedule = schedule_with_one_token();
  Situation waiting{.can_lend = true, .has_pending = true};
  REQUIRE(schedule.choose(waiting, kNow));
  schedule.on_offered({}, false, false, false);
  schedule.on_answer(stored_changes(), Writer::Pauses);
  CHECK_FALSE(schedule.choose(waiting, kNow));
  CHECK(schedule.next() > kNow);
  CHECK(schedule.next() < MonoTime::max());
  waiting.is_urgent = true;
  CHECK(schedule.choose(waiting, kNow));
}

TEST_CASE("a job that could not be built is due again after a moment") {
  JobSchedule schedule = schedule_with_one_token();
  REQUIRE(schedule.choose({.can_lend = true, .has_pending = true}, kNow));
  schedule.on_busy(kNow);
  CHECK(schedule.next() > kNow);
  CHECK(schedule.next() <= kNow + std::chrono::milliseconds(10));
}

TEST_CASE("a snapshot request counts as taken once a job was offered for it") {
  JobSchedule schedule = schedule_with_one_token();
  schedule.on_snapshot_asked(4);
  CHECK(schedule.is_snapshot_asked());
  REQUIRE(schedule.choose({.can_lend = true}, kNow));
  schedule.on_offered({}, true, false, false);
  CHECK_FALSE(schedule.is_snapshot_asked());
  schedule.on_snapshot_asked(5);
  UploadDone done;
  done.answer = answer::Snapshot{};
  CHECK(schedule.on_answer(done, Writer::Pauses).snapshot == 4);
  CHECK(schedule.is_snapshot_asked());
}

TEST_CASE("the next job reads all frames when a compaction is due and the writer pauses") {
  for (const bool may_compact : {true, false}) {
    CAPTURE(may_compact);
    JobSchedule schedule = schedule_with_one_token();
    Situation waiting{.can_lend = true, .has_pending = true, .is_urgent = true};
    REQUIRE(schedule.choose(waiting, kNow));
    schedule.on_offered({}, false, false, true);
    schedule.on_answer(stored_changes(/*wants_all_frames=*/true), Writer::Pauses);
    waiting.may_compact = may_compact;
    const auto choice = schedule.choose(waiting, kNow);
    REQUIRE(choice.has_value());
    CHECK(std::get<job::Changes>(choice->kind).knows_all_frames == may_compact);
  }
}

}  // namespace
}  // namespace walwrap::replication
