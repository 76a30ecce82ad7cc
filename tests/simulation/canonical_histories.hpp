// Canonical histories of three to six steps: what a host, an app and walwrap do to each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/kernel.hpp"
#include "tests/simulation/step.hpp"

namespace walwrap::simulation {

// A database that is stored.
inline constexpr std::string_view kStored = R"(
walwrap1 start
app1 open
app1 sync 1
app1 insert 2 60
walwrap1 confirm
)";
// After it: the next turn of the capture makes a checkpoint.
inline constexpr std::string_view kUntilCheckpoint = R"(
app1 insert 2 60
walwrap1 capture
walwrap1 upload
walwrap1 capture
clock pass 120
)";

struct Canonical {
  std::string before;      // what no fault is placed in
  std::string_view steps;  // three to six, ";" between them
};
// In each of them a fault of each kind is placed at each point of each step.
const std::vector<Canonical>& canonical_histories();

// A fault, and the kinds of points at which it makes a difference.
struct Event {
  std::string_view text;
  bool (*is_at)(Point);
};
bool at_changes(Point point);
bool at_store(Point point);
// Of the step's own actor, or of the host that the step is on, or of the store: "1" stands for it.
const std::vector<Event>& canonical_faults();

}  // namespace walwrap::simulation
