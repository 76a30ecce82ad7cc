#!/usr/bin/env python3
"""The replicator may die at any time: the app does not notice and no row is lost."""

import os
import signal
import time

from lib import procfs
from lib.harness import case, main
from lib.scene import Scene

SECONDS = float(os.environ.get("IT_KILL_SECONDS", "30"))


@case("kill -9 of the replicator every second under load loses no row and spares the app")
def killed_every_second(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer())
    scene.wait_for_rows(100)
    kills, died_at, gaps = 0, None, []
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        pid = walwrap.wait_for_replicator()
        if died_at:
            gaps.append(time.monotonic() - died_at)
        procfs.send(pid, signal.SIGKILL)
        died_at = time.monotonic()
        kills += 1
        time.sleep(1)
    run.must(walwrap.is_running(), "walwrap ended")
    run.must(walwrap.stop() == 0, "exit status %s" % walwrap.process.returncode)
    run.must(len(scene.app_starts()) == 1, "the app was restarted: %s" % scene.app_starts())
    scene.same()
    run.note("%d kills, %d rows, longest time without a replicator beyond the kill's second %.1f s"
             % (kills, len(scene.acks()), max(gaps, default=0)))


@case("a replicator that is killed beside an idle database restarts and stores the next row")
def killed_while_idle(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rate", 1))
    scene.wait_for_rows(1)
    first = walwrap.wait_for_replicator()
    procfs.send(first, signal.SIGKILL)
    scene.wait_for_rows(2)
    run.must(walwrap.wait_for_replicator() != first, "no new replicator")
    walwrap.stop()
    scene.same()


@case("a TERM while the replicator is not running still flushes everything")
def term_while_dead(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer())
    scene.wait_for_rows(500)
    procfs.send(walwrap.wait_for_replicator(), signal.SIGKILL)
    walwrap.stop()
    scene.must_be_stored(walwrap)


if __name__ == "__main__":
    main(jobs=3)
