// Which events have happened in the middle of which steps. A pair that a long run never sees is a
// hole in the generator, and so a place where a fault could stay.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/simulation/world.hpp"

namespace walwrap::simulation {

class Coverage {
 public:
  void add(const std::map<Pair, int>& pairs);
  // All that can happen: what runs within itself, or would use a copy of SQLite twice, cannot.
  static std::vector<Pair> possible();
  std::vector<Pair> missing() const;
  // A table: a line for each event.
  std::string text() const;

 private:
  std::map<Pair, int> pairs_;
};

std::string format_pair(const Pair& pair);

}  // namespace walwrap::simulation
