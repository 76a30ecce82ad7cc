// How long a caller of a store is willing to wait.
//
// Asked often, by the thread that owns the store; the answer may change while a request is under
// way: a stop begins, a start is given up.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "walwrap/base/types.hpp"

namespace walwrap::storage {

struct CallBudget {
  bool go_on = true;                   // false: end what is under way, as Cancelled
  std::optional<MonoTime> deadline{};  // no attempt but the first begins at it or later
  bool hurry = false;                  // the next attempt begins within half a second
};
using CallBudgetFn = std::function<CallBudget()>;

// Told what is wrong when a store stops answering, and "" when it answers again; by the thread
// that owns the store.
using OutageFn = std::function<void(std::string_view why)>;

}  // namespace walwrap::storage
