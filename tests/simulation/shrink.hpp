// Fewer steps that still go wrong, and a script that a person can read and paste.
#pragma once

#include "tests/simulation/world.hpp"

namespace walwrap::simulation {

struct Shrunk {
  Plan plan;
  std::string wrong;
  int tries = 0;
};
// Of a plan that goes wrong. Any fault counts, not only the first one: the simplest is found.
Shrunk shrink(Plan plan, std::string wrong, int most_tries);

// What to print: the script, what is wrong, and how to keep it.
std::string describe(const Shrunk& shrunk, std::uint64_t seed);

}  // namespace walwrap::simulation
