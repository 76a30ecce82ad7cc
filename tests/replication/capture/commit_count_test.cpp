#include "walwrap/replication/capture/commit_count.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace walwrap::replication {
namespace {

using Finding = CommitCount::Finding;

void find(CommitCount& count, int commits) {
  for (int i = 0; i < commits; ++i) count.on_commit();
}

TEST_CASE("a commit that SQLite counted and walwrap did not read is missed") {
  struct Row {
    const char* what;
    std::uint32_t first, second;  // SQLite's count at two looks
    int read;                     // commits found in between
    Finding expected;
    std::uint64_t missed;
  };
  constexpr std::uint32_t kLast = 0xffffffff;
  const std::vector<Row> rows = {
      {"nothing happened", 7, 7, 0, Finding::Agrees, 0},
      {"three commits, all read", 7, 10, 3, Finding::Agrees, 0},
      {"three commits, none read", 7, 10, 0, Finding::Missed, 3},
      {"three commits, two read", 7, 10, 2, Finding::Missed, 1},
      {"the count wraps", kLast - 1, 2, 4, Finding::Agrees, 0},
      {"the count wraps, one missed", kLast - 1, 2, 3, Finding::Missed, 1},
      {"the index was recovered", 7, 0, 0, Finding::BeganAnew, 0},
      {"the index was recovered, then commits", 90, 4, 4, Finding::BeganAnew, 0},
      {"commit frames that fill a sector", 7, 8, 3, Finding::Uncountable, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CommitCount count;
    find(count, 5);  // before the first look: where SQLite's count stands then is taken as it is
    CHECK(count.compare(row.first) == Finding::Agrees);
    find(count, row.read);
    CHECK(count.compare(row.second) == row.expected);
    CHECK(count.missed() == row.missed);
    CHECK(count.can_prove() == (row.expected != Finding::Uncountable));
    CHECK(count.compare(row.second) == Finding::Agrees);  // a gap is counted once
    CHECK(count.missed() == row.missed);
  }
}

TEST_CASE("a commit count agrees only with the check that compared it") {
  CommitCount count;
  CHECK_FALSE(count.agrees_with(7));
  count.compare(7);
  CHECK(count.agrees_with(7));
  CHECK_FALSE(count.agrees_with(8));
  count.on_commit();
  CHECK_FALSE(count.agrees_with(7));
  count.compare(8);
  count.restart();
  CHECK_FALSE(count.agrees_with(8));
  CHECK(count.compare(1) == Finding::Agrees);  // whatever it is, it is the first
}

}  // namespace
}  // namespace walwrap::replication
