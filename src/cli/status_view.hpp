// The answer of GET /v1/status -> lines for people. Pure.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::cli {

struct StatusView {
  bool healthy = false;
  std::string reason;  // why it is not; "": it is
  std::string text;    // some lines
};

// Unavailable: it is no answer of walwrap's.
Result<StatusView> view_status(std::string_view json, WallTime now);

}  // namespace walwrap::cli
