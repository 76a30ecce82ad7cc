// The last words of a process that a fault ends.
#pragma once

namespace walwrap::os {

// From now on one line on standard error tells which fault (SEGV, BUS, ABRT, ...) ends this
// process, and whether a process sent it; then it ends as it would have without us. As PID 1 a
// fault that was sent is reported and survived: the kernel does not let PID 1 die of it.
void install_crash_handler();

}  // namespace walwrap::os
