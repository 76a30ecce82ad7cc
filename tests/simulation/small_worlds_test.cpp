// Every history of a few steps, with each event at each point of its last step: nothing is left to
// chance. What comes before the last step is the last step of a shorter history. And canonical
// histories of three to six steps, with a fault of each kind at each point of each step.
//
//   SIM_SMALL=3       steps (2): each one more takes about nine times as long
//   SIM_CANONICAL=7   only this one of the canonical histories
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/simulation/canonical_histories.hpp"
#include "tests/simulation/shrink.hpp"
#include "tests/support/environment.hpp"

namespace walwrap::simulation {
namespace {

// What a checkpoint has done wrong shows with the next commits, which restart the WAL.
constexpr std::string_view kAfter = R"(
app1 insert 1 20
app1 insert 1 20
)";
constexpr std::string_view kAlphabet[] = {
    "app1 insert 1 20", "app1 update 30 900", "app1 checkpoint 3", "app1 close",
    "app1 open",        "walwrap1 capture",   "walwrap1 upload",   "walwrap1 confirm",
    "walwrap1 stop",    "walwrap1 start",     "app1 vacuum"};

// What may happen in the middle, and at which points that makes a difference.
bool at_looks(Point point) {
  return point == Point::Read || point == Point::Lock || point == Point::Store;
}
constexpr Event kEvents[] = {
    {"walwrap1 kill", at_changes},      {"app1 kill", at_changes},
    {"host1 power-loss 1", at_changes}, {"host1 power-loss 2", at_changes},
    {"store fail 1 0", at_store},       {"store fail 1 1", at_store},
    {"store fail 1 2", at_store},       {"store fail 1 3", at_store},
    {"store late 2", at_store},         {"app2 once 1 20", at_looks},
    {"app1 insert 1 20", at_looks},     {"app1 checkpoint 3", at_looks},
    {"walwrap1 capture", at_looks},
};

struct Tally {
  int histories = 0;
  int worlds = 0;
  int failures = 0;
};
constexpr int kShrinkTries = 200;

const auto kFailuresShown = static_cast<int>(testing::number_from("SIM_MOST_FAILURES", 3));
const int kTries = testing::number_from("SIM_SHRINK", 1) == 0 ? 0 : kShrinkTries;
constexpr int kSteps = 2;
constexpr int kAppOfSecondHost = 3;

bool check(const Plan& plan, Tally& tally, Report& report) {
  ++tally.worlds;
  report = simulate(plan);
  if (report.wrong.empty()) return true;
  ++tally.failures;
  FAIL_CHECK("small world: ", describe(shrink(plan, report.wrong, kTries), plan.seed));
  return false;
}

Plan with_end(Plan plan) {
  const auto after = parse_steps(kAfter);
  plan.steps.insert(plan.steps.end(), after.begin(), after.end());
  return plan;
}

void try_events(const Plan& plan, const std::vector<Passed>& points, Tally& tally) {
  for (const Event& event : kEvents) {
    for (std::size_t at = 0; at < points.size() && tally.failures < kFailuresShown; ++at) {
      if (!event.is_at(points[at].point)) continue;
      Plan with = plan;
      Step step = parse_step(event.text).value();
      step.at_point = static_cast<int>(at) + 1;
      with.steps.insert(with.steps.end() - 1, step);
      Report report;
      if (!check(with_end(with), tally, report)) break;
    }
  }
}

void try_all(Plan plan, int left, Tally& tally) {
  Report report;
  plan.is_bucket = ++tally.histories % 2 == 0;
  if (tally.failures >= kFailuresShown || !check(with_end(plan), tally, report)) return;
  const auto last = report.points_of.size() - parse_steps(kAfter).size() - 1;
  try_events(plan, report.points_of.at(last), tally);
  if (left == 0) return;
  for (const std::string_view text : kAlphabet) {
    Plan longer = plan;
    longer.steps.push_back(parse_step(text).value());
    try_all(std::move(longer), left - 1, tally);
  }
}

// The host that a step is on; 0: none.
int host_of(const Step& step) {
  if (step.actor == Actor::App) return step.number == kAppOfSecondHost ? 2 : 1;
  return step.actor == Actor::Walwrap || step.actor == Actor::Host ? step.number : 0;
}

// The fault with the number of who is there; nullopt: it makes no difference at this point.
std::optional<Step> fault_at(const Event& fault, const Step& step, const Passed& passed) {
  if (!fault.is_at(passed.point)) return std::nullopt;
  const int host = host_of(step);
  const int app = step.actor == Actor::App ? step.number : host == 2 ? kAppOfSecondHost : 1;
  auto words = std::string(fault.text);
  const auto name = words.substr(0, words.find(' '));
  if (name != "store") words.insert(name.size(), std::to_string(name == "app" ? app : host));
  const auto event = parse_step(words).value();
  // Of its own calls only: it has no others.
  const bool is_walwraps = passed.process % 100 == 1;
  const bool is_own = (name == "walwrap") == is_walwraps;
  if (event.verb == Verb::Break && !is_own) return std::nullopt;
  return event;
}

void try_canonical(const Canonical& history, Tally& tally) {
  Plan plan{.seed = 1, .page_size = 1024, .is_bucket = ++tally.histories % 2 == 0, .steps = {}};
  plan.steps = parse_steps(history.before);
  const auto first = plan.steps.size();
  std::string text(history.steps);
  std::replace(text.begin(), text.end(), ';', '\n');
  const auto steps = parse_steps(text);
  plan.steps.insert(plan.steps.end(), steps.begin(), steps.end());
  // Whoever was the last one comes back.
  const int host = host_of(steps.back());
  const auto after = parse_steps(
      fmt::format("walwrap{0} start\napp{1} open\napp{1} insert 1 20\napp{1} insert 1 20", host,
                  host == 2 ? kAppOfSecondHost : 1));
  plan.steps.insert(plan.steps.end(), after.begin(), after.end());
  Report report;
  if (!check(plan, tally, report)) return;
  const auto points_of = std::move(report.points_of);
  for (std::size_t at = first; at < first + steps.size(); ++at) {
    for (const Event& fault : canonical_faults()) {
      for (std::size_t point = 0; point < points_of.at(at).size(); ++point) {
        auto event = fault_at(fault, plan.steps[at], points_of[at][point]);
        if (!event || tally.failures >= kFailuresShown) continue;
        event->at_point = static_cast<int>(point) + 1;
        Plan with = plan;
        with.steps.insert(with.steps.begin() + static_cast<std::ptrdiff_t>(at), *event);
        if (!check(with, tally, report)) break;
      }
    }
  }
}

TEST_SUITE_BEGIN("small worlds");

TEST_CASE("no fault at any point of a canonical history loses what was confirmed") {
  const auto only = testing::number_from("SIM_CANONICAL", 0);
  Tally tally;
  for (std::size_t i = 0; i < canonical_histories().size(); ++i) {
    if (only != 0 && only != i + 1) continue;
    try_canonical(canonical_histories()[i], tally);
  }
  MESSAGE(tally.histories, " canonical histories, ", tally.worlds, " small worlds");
  CHECK(tally.failures == 0);
}

TEST_CASE("no event at any point of a short history loses what was confirmed") {
  const auto steps = static_cast<int>(testing::number_from("SIM_SMALL", kSteps));
  const Plan plan{.seed = 1, .page_size = 1024, .is_bucket = false, .steps = parse_steps(kStored)};
  Tally tally;
  try_all(plan, steps, tally);
  Plan quiet = plan;
  const auto more = parse_steps(kUntilCheckpoint);
  quiet.steps.insert(quiet.steps.end(), more.begin(), more.end());
  try_all(quiet, steps - 1, tally);
  MESSAGE(tally.histories, " histories, ", tally.worlds, " small worlds");
  CHECK(tally.failures == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace walwrap::simulation
