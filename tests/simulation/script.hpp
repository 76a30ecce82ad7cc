// A history as a test: what it was shrunk to when it went wrong.
#pragma once

#include <doctest/doctest.h>

#include "tests/simulation/world.hpp"

#define CHECK_SCRIPT(text)                                                                    \
  do {                                                                                        \
    const auto report = walwrap::simulation::simulate(walwrap::simulation::parse_plan(text)); \
    INFO(report.trace);                                                                       \
    CHECK(report.wrong == "");                                                                \
  } while (false)
