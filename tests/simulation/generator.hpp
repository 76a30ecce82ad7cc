// Random histories: each follows from its seed.
#pragma once

#include "tests/simulation/world.hpp"

namespace walwrap::simulation {

Plan make_plan(std::uint64_t seed);

}  // namespace walwrap::simulation
