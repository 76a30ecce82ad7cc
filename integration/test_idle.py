#!/usr/bin/env python3
"""An idle database costs nothing."""

import subprocess
import time

from lib import checks, procfs
from lib.harness import binary, case, main
from lib.scene import Scene

SECONDS = 10
FIRST_LOOKS = 12  # what a start looks at once, ten seconds after it: the replica, the app's files


@case("an idle database causes no wake-up of init, one a second of the replicator, no upload")
def idle(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 100, "--delay", 0.5, "--rows-after-term", 0,
                                       "--linger"))
    scene.wait_for_rows(100)
    time.sleep(7)  # quiet moment, checkpoint, last upload, and the state saved 5 s later
    replicator = walwrap.wait_for_replicator()
    time.sleep(FIRST_LOOKS)
    stored = checks.stored_bytes(scene.replica)
    before = procfs.wake_ups(walwrap.pid), procfs.wake_ups(replicator)
    time.sleep(SECONDS)
    after = procfs.wake_ups(walwrap.pid), procfs.wake_ups(replicator)
    init, replication = after[0] - before[0], after[1] - before[1]
    run.must(walwrap.is_running() and walwrap.replicator() == replicator, "something ended")
    run.must(checks.stored_bytes(scene.replica) == stored, "something was uploaded")
    run.must(init == 0, "init woke %d times in %d s" % (init, SECONDS))
    run.must(replication <= SECONDS, "the replicator woke %d times in %d s"
             % (replication, SECONDS))
    walwrap.stop()
    scene.must_be_stored(walwrap)
    run.note("init %d, replicator %d wake-ups in %d s" % (init, replication, SECONDS))


@case("walwrap without a database is an init that does not wake up")
def init_only(run):
    process = subprocess.Popen([binary(), "--", "sleep", "60"], env=run.environment(),
                               stderr=subprocess.DEVNULL)
    time.sleep(1)
    before = procfs.wake_ups(process.pid)
    time.sleep(4)
    woke = procfs.wake_ups(process.pid) - before
    process.terminate()
    status = process.wait(10)
    run.must(woke == 0, "init woke %d times in 4 s" % woke)
    run.must(status == 143, "exit status %d" % status)


if __name__ == "__main__":
    main(jobs=2)
