#include "walwrap/replication/retry_policy.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace walwrap::replication {
namespace {

using namespace std::chrono_literals;

const MonoTime kPolicyNow = MonoTime() + 1h;

TEST_CASE("the time that a store may take depends on the phase") {
  struct Row {
    const char* what;
    std::optional<StartWait> start;
    bool stopped;
    Orders orders;
    storage::CallBudget expected;
  };
  const MonoTime end = kPolicyNow + 8s;
  const std::vector<Row> rows = {
      {"start", StartWait{end}, false, {}, {.deadline = end}},
      {"look", StartWait{end, true}, false, {}, {.deadline = end, .hurry = true}},
      {"start cancelled", StartWait{end}, true, {}, {.go_on = false, .deadline = end}},
      {"app runs", {}, false, {}, {}},
      // What a start was stopped by is no concern of what runs after it.
      {"app runs, long after a start", {}, true, {}, {}},
      {"stop has begun", {}, false, {.hurry = true}, {.hurry = true}},
      {"flush", {}, false, {.flush = end}, {.deadline = end, .hurry = true}},
      {"quit", {}, false, {.quit = true}, {.go_on = false}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto found = budget_of(row.start, row.stopped, row.orders);
    CHECK(found.go_on == row.expected.go_on);
    CHECK(found.deadline == row.expected.deadline);
    CHECK(found.hurry == row.expected.hurry);
  }
}

TEST_CASE("a compaction waits for the store until a stop begins") {
  CHECK(budget_of_compaction({}).go_on);
  CHECK(!budget_of_compaction({}).deadline);
  CHECK(!budget_of_compaction({.hurry = true}).go_on);
  CHECK(!budget_of_compaction({.flush = kPolicyNow}).go_on);
  CHECK(!budget_of_compaction({.quit = true}).go_on);
}

}  // namespace
}  // namespace walwrap::replication
