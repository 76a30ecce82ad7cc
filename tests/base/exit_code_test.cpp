#include "walwrap/base/exit_code.hpp"

#include <doctest/doctest.h>

namespace walwrap {
namespace {

TEST_CASE("the exit code of a failure tells absent, unreachable and damaged apart") {
  struct Row {
    Code code;
    int exit_code;
  };
  const Row rows[] = {
      {Code::NotFound, 1}, {Code::Exists, 1},    {Code::Invalid, 1}, {Code::Busy, 1},
      {Code::Io, 1},       {Code::Cancelled, 1}, {Code::Denied, 3},  {Code::Unavailable, 3},
      {Code::Unknown, 3},  {Code::Deadline, 3},  {Code::Corrupt, 4}, {Code::Unsupported, 4},
      {Code::Mismatch, 4},
  };
  for (const Row& row : rows) CHECK(exit_code_of(row.code) == row.exit_code);
}

}  // namespace
}  // namespace walwrap
