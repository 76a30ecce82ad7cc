#!/usr/bin/env python3
"""walwrap as an init: every case of integration/init, as PID 1 and as a process among others."""

from init import cases_end, cases_signals, cases_start, cases_terminal, cases_tree  # noqa: F401
from init.inits import Init, specs_for
from lib.harness import binary, case, main

for pid_1, place in ((True, "as PID 1"), (False, "not PID 1")):
    for name, function in specs_for(pid_1):
        case("%s: %s" % (place, name))(
            lambda run, function=function, pid_1=pid_1: function(
                run, Init([binary(), "--"], pid_1)))

if __name__ == "__main__":
    main(jobs=2)
