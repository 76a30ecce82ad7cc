#include "walwrap/replication/retry_policy.hpp"

#include <algorithm>

namespace walwrap::replication {

storage::CallBudget budget_of(const std::optional<StartWait>& start, bool stopped,
                              const Orders& orders) {
  if (start) return {.go_on = !stopped, .deadline = start->until, .hurry = start->hurry};
  return {.go_on = !orders.quit,
          .deadline = orders.flush,
          .hurry = orders.hurry || orders.flush.has_value()};
}

storage::CallBudget budget_of_compaction(const Orders& orders) {
  return {.go_on = !orders.quit && !orders.hurry && !orders.flush};
}

}  // namespace walwrap::replication
