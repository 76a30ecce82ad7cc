// Canonical histories of three to six steps: what a host, an app and walwrap do to each other.
#pragma once

#include <string_view>
#include <vector>

#include "tests/simulation/kernel.hpp"
#include "tests/simulation/step.hpp"

namespace walwrap::simulation {

struct Canonical {
  std::string_view before;  // what no fault is placed in
  std::string_view steps;   // three to six, ";" between them
};
// In each of them a fault of each kind is placed at each point of each step.
const std::vector<Canonical>& canonical_histories();

// A fault, and the kinds of points at which it makes a difference.
struct Event {
  std::string_view text;
  bool (*is_at)(Point);
};
// Of the step's own actor, or of the host that the step is on, or of the store: "1" stands for it.
const std::vector<Event>& canonical_faults();

}  // namespace walwrap::simulation
