#include "tests/simulation/shrink.hpp"

#include <algorithm>

namespace walwrap::simulation {
namespace {

class Shrinker {
 public:
  Shrinker(Plan plan, std::string wrong, int most)
      : best_{std::move(plan), std::move(wrong), 0}, most_(most) {}

  Shrunk run() {
    bool is_smaller = true;
    while (is_smaller && best_.tries < most_) {
      is_smaller = remove_steps();
      is_smaller = simplify_steps() || is_smaller;
    }
    return best_;
  }

 private:
  bool still_fails(const Plan& plan) {
    if (best_.tries >= most_) return false;
    ++best_.tries;
    const auto report = simulate(plan);
    if (report.wrong.empty()) return false;
    best_.plan = plan;
    best_.wrong = report.wrong;
    return true;
  }
  // Half of them at once, then a quarter, down to each alone.
  bool remove_steps() {
    bool any = false;
    for (std::size_t size = std::max<std::size_t>(best_.plan.steps.size() / 2, 1);; size /= 2) {
      for (std::size_t at = 0; at < best_.plan.steps.size();) {
        Plan plan = best_.plan;
        const auto begin = plan.steps.begin() + static_cast<std::ptrdiff_t>(at);
        const auto left = static_cast<std::size_t>(plan.steps.end() - begin);
        plan.steps.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(size, left)));
        if (still_fails(plan)) {
          any = true;
        } else {
          at += size;
        }
      }
      if (size <= 1) return any;
    }
  }
  // At once instead of in the middle, and with smaller numbers.
  bool simplify_steps() {
    bool any = false;
    for (std::size_t at = 0; at < best_.plan.steps.size(); ++at) {
      const Step step = best_.plan.steps[at];
      for (Step simpler : {step, step, step, step}) {
        static int which = 0;
        switch (which++ % 4) {
          case 0:
            simpler.at_point = 0;
            break;
          case 1:
            simpler.first = std::min(simpler.first, 1);
            break;
          case 2:
            simpler.second = std::min(simpler.second, 20);
            break;
          default:
            simpler.at_point = std::min(simpler.at_point, 1);
            break;
        }
        if (simpler == step || best_.plan.steps[at] != step) continue;
        Plan plan = best_.plan;
        plan.steps[at] = simpler;
        any = still_fails(plan) || any;
      }
    }
    return any;
  }

  Shrunk best_;
  int most_;
};

}  // namespace

Shrunk shrink(Plan plan, std::string wrong, int most_tries) {
  return Shrinker(std::move(plan), std::move(wrong), most_tries).run();
}

std::string describe(const Shrunk& shrunk, std::uint64_t seed) {
  return fmt::format(
      "seed {}, {} steps after {} tries: {}\n"
      "To keep it, paste this into tests/simulation/regressions_test.cpp:\n"
      "TEST_CASE(\"say what does not happen any more\") {{\n  CHECK_SCRIPT(R\"(\n{})\");\n}}\n",
      seed, shrunk.plan.steps.size(), shrunk.tries, shrunk.wrong, format_plan(shrunk.plan));
}

}  // namespace walwrap::simulation
