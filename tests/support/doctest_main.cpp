#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "tests/support/test_data.hpp"

// Here alone, so that all other tests compile to the same bytes in every checkout.
const char* const walwrap::testing::kTestData = WALWRAP_TEST_DATA;
