// The restore of a start: to a temporary name beside the database, with progress in the log.
#pragma once

#include <functional>

#include "walwrap/base/log.hpp"
#include "walwrap/base/result.hpp"
#include "walwrap/os/clock.hpp"
#include "walwrap/os/file.hpp"
#include "walwrap/replication/replica/page_sums.hpp"
#include "walwrap/replication/replica/plan.hpp"
#include "walwrap/replication/restore/restore.hpp"
#include "walwrap/replication/startup/boot_request.hpp"

namespace walwrap::replication {

struct BesideRequest {
  const BootRequest& request;
  const RestorePlan& plan;
  const os::Path& output;
  PageSums& sums;
  std::function<void()> on_progress;  // called when more of it is there
};
// Blocks in the store. Errors: those of restore_database().
Result<Restored> restore_beside(const BesideRequest& beside, const os::Clock& clock,
                                const Log& log);

}  // namespace walwrap::replication
