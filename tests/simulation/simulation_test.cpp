// Random histories. Each follows from a seed that a failure prints, with its shortest script.
//
//   SIM_HISTORIES=100000   how many
//   SIM_SEED=17            from this one on
//   SIM_TRACE=1            prints what happens in each of them
//   SIM_MOST_FAILURES=1    ends after so many; SIM_SHRINK=0 does not look for the shortest script
#include <doctest/doctest.h>

#include <chrono>

#include "tests/simulation/coverage.hpp"
#include "tests/simulation/generator.hpp"
#include "tests/simulation/shrink.hpp"
#include "tests/support/environment.hpp"

namespace walwrap::simulation {
namespace {

constexpr std::uint64_t kHistories = 3000;
constexpr std::uint64_t kMostFailures = 5;
constexpr std::uint64_t kLongRun = 50'000;  // each pair has to be seen
constexpr int kMostTries = 600;             // to shrink one

TEST_CASE("no history loses what was confirmed, or restores what never was") {
  const auto first = testing::number_from("SIM_SEED", 1);
  const auto count = testing::number_from("SIM_HISTORIES", kHistories);
  const bool is_traced = testing::number_from("SIM_TRACE", 0) != 0;
  Coverage coverage;
  std::uint64_t points = 0;
  std::uint64_t restores = 0;
  const auto most_failures = testing::number_from("SIM_MOST_FAILURES", kMostFailures);
  const int most_tries = testing::number_from("SIM_SHRINK", 1) == 0 ? 0 : kMostTries;
  std::uint64_t failures = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed < first + count && failures < most_failures; ++seed) {
    const Plan plan = make_plan(seed);
    const auto report = simulate(plan);
    coverage.add(report.pairs);
    points += report.points;
    restores += report.restores;
    if (is_traced) MESSAGE(report.trace);
    if (report.wrong.empty()) continue;
    ++failures;
    FAIL_CHECK(describe(shrink(plan, report.wrong, most_tries), seed));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  MESSAGE(count, " histories from seed ", first, " in ", took.count(), " s, ",
          static_cast<double>(count) / took.count(), " per second, ", points, " points, ", restores,
          " restores");
  const auto missing = coverage.missing();
  const auto possible = Coverage::possible().size();
  const auto seen = possible - missing.size();
  MESSAGE(seen, " of ", possible, " pairs of an event and a step");
  if (count < kLongRun) return;
  MESSAGE(coverage.text());
  for (const Pair& pair : missing) FAIL_CHECK("never happened: ", format_pair(pair));
}

TEST_CASE("a seed makes the same history each time") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto once = simulate(make_plan(seed));
    const auto again = simulate(make_plan(seed));
    CHECK(once.trace == again.trace);
    CHECK(once.points == again.points);
  }
}

TEST_CASE("a script says what a plan is, and is read back as the same") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Plan plan = make_plan(seed);
    const Plan read = parse_plan(format_plan(plan));
    CHECK(read.steps == plan.steps);
    CHECK(read.seed == plan.seed);
  }
}

}  // namespace
}  // namespace walwrap::simulation
