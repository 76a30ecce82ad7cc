#!/usr/bin/env python3
"""Databases and transactions of every shape arrive byte for byte."""

import signal
import subprocess
import time

from lib import checks, procfs
from lib.harness import case, main, wait_until
from lib.scene import Scene

REPLICATOR_RSS_KIB = 32 * 1024


def run_for(scene, seconds, *flags, status=0):
    """The writer under walwrap for so long, then TERM."""
    walwrap = scene.start(scene.writer(*flags))
    scene.wait_for_rows(1)
    time.sleep(seconds)
    walwrap.process.send_signal(signal.SIGTERM)
    scene.must_be_stored(walwrap, status)
    return walwrap


def run_bare(scene, *flags):
    """The writer without walwrap."""
    return subprocess.run(scene.writer(*flags), env=scene.run.environment()).returncode


@case("one transaction of 64 MiB is stored completely in bounded memory")
def huge_transaction(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 1, "--rows-per-commit", 64, "--body", 1 << 20))
    replicator, peak = walwrap.wait_for_replicator(), 0
    while walwrap.is_running():
        peak = max(peak, procfs.peak_rss_kib(replicator))
        time.sleep(0.005)
    scene.must_be_stored(walwrap)
    run.note("peak RSS of the replicator %.1f MiB" % (peak / 1024))
    run.must(peak <= REPLICATOR_RSS_KIB, "the replicator grew to %d KiB" % peak)


def page_size(size):
    @case("a database with page size %d is stored" % size)
    def check(run):
        scene = Scene(run)
        run_for(scene, 1.5, "--page-size", size, "--body", 700, "--rate", 1000)
        with checks.Copy(run, scene.db, "live") as copy:
            got = copy.one("pragma page_size")
        run.must(got == size, "the page size became %s" % got)
        scene.wipe()  # and once more from an empty disk
        scene.start(scene.writer("--rows", 10, "--check")).must_end(0)
        scene.same()


for size in (512, 4096, 65536):
    page_size(size)


def each_second(name, *flags):
    @case(name)
    def check(run):
        run_for(Scene(run), 4.5, "--rate", 2000, "--body", 400, *flags)


each_second("VACUUM once a second under load loses no row", "--each-second", "vacuum")
each_second("wal_checkpoint(TRUNCATE) once a second under load loses no row",
            "--each-second", "pragma wal_checkpoint(truncate)")
# At this rate the log stays below the limit past which writers may be held.
each_second("an app without a busy timeout never meets a locked database",
            "--busy-timeout", 0, "--rate", 200)
each_second("an app with synchronous=FULL loses no row", "--synchronous", "full")


@case("a database that shrinks by auto_vacuum and grows again is stored")
def shrinks(run):
    scene = Scene(run)
    # The bulky rows belong to nobody's acknowledgements: they are there to be deleted.
    bulky = ("insert into notes select -1, (select coalesce(max(n), 0) from notes where w = -1)"
             " + value, randomblob(20000) from (with recursive c(value) as (select 1 union all"
             " select value + 1 from c where value < 200) select value from c)")
    run_for(scene, 4.5, "--rate", 500, "--auto-vacuum", "full",
            "--each-second", bulky, "--each-second", "delete from notes where w = -1")
    shrunk = scene.db.stat().st_size
    run.must(shrunk < 3 << 20, "the database did not shrink: %d bytes" % shrunk)


@case("a rollback-journal database is changed to WAL mode and stored")
def rollback_journal(run):
    scene = Scene(run)
    run.must(run_bare(scene, "--journal", "delete", "--rows", 50) == 0, "the bare run failed")
    run_for(scene, 1, "--journal", "", "--rate", 200)
    with checks.Copy(run, scene.db, "live") as copy:
        mode = copy.one("pragma journal_mode")
    run.must(mode == "wal", "journal_mode is %s" % mode)


@case("the commits of four writer processes are stored")
def four_writers(run):
    scene = Scene(run)
    acks = [run.dir / ("ack%d" % i) for i in range(4)]
    lines = [" ".join("'%s'" % word for word in scene.writer("--id", i, "--rate", 300, ack=ack))
             for i, ack in enumerate(acks)]
    script = "\n".join(line + " & pids=\"$pids $!\"" for line in lines)
    script += "\ntrap 'kill $pids' TERM\nwait\nwait"
    walwrap = scene.start(["sh", "-c", script])
    wait_until(lambda: all(len(checks.acknowledged(ack)) > 200 for ack in acks), 20, "rows of four")
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.must_end(0, flush="ok")
    everything = [row for ack in acks for row in checks.acknowledged(ack)]
    checks.same(run, scene.db, scene.replica, everything)


if __name__ == "__main__":
    main(jobs=3)
