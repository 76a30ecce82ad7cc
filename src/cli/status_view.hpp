// The answer of GET /v1/status -> lines for people. Pure.
#pragma once

#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"

namespace walwrap::cli {

struct StatusView {
  bool healthy = false;
  std::string reason;  // why it is not healthy; "": it is healthy
  std::string text;    // some lines
};

// Unavailable: the answer is not from walwrap.
Result<StatusView> view_status(std::string_view json, WallTime now);

}  // namespace walwrap::cli
