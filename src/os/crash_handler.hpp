// The last log line of a process that a fault ends.
#pragma once

namespace walwrap::os {

// From now on one line on standard error names the fault (SEGV, BUS, ABRT, ...) that ends this
// process, and says whether a process sent it. Then the process ends as it would have without the
// handler. As PID 1, a fault signal that was sent is reported and survived: the kernel does not end
// PID 1 for it.
void install_crash_handler();

}  // namespace walwrap::os
