#include "walwrap/replication/startup/boot_restore.hpp"

#include <utility>

#include "walwrap/base/progress.hpp"

namespace walwrap::replication {

Result<Restored> restore_beside(const BesideRequest& beside, const os::Clock& clock,
                                const Log& log) {
  LoggedProgress shown(log, "restoring", clock.mono());
  Bytes done_so_far = 0;
  const auto on_progress = [&](const RestoreProgress& progress) {
    if (std::exchange(done_so_far, progress.done) != progress.done) beside.on_progress();
    if (!shown.is_line_due(progress.done, progress.total, clock.mono())) return;
    log.info("restoring", {{"bytes", progress.done}, {"of_bytes", progress.total}});
  };
  return restore_database({.open_store = beside.request.open_store,
                           .style = beside.request.style,
                           .plan = beside.plan,
                           .output = beside.output,
                           .integrity = beside.request.integrity,
                           .sums = &beside.sums,
                           .owner = beside.request.owner,
                           .on_progress = on_progress,
                           .cancelled = beside.request.cancelled});
}

}  // namespace walwrap::replication
