#!/usr/bin/env python3
"""The store is away for a while, under load: the app does not notice, and nothing is lost.

IT_OUTAGE_SECONDS sets how long (10; the soak takes 60).
"""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time

from lib import checks, procfs
from lib.harness import ROOT, binary, case, main, wait_until
from lib.s3_servers import fresh_replica, shared
from lib.scene import Scene
from lib.terminal import Screen

sys.path.insert(0, str(ROOT / "tests" / "support"))
from hostile_proxy import Fault, HostileProxy  # noqa: E402

KIND = os.environ.get("IT_S3_KIND", "minio")
SECONDS = float(os.environ.get("IT_OUTAGE_SECONDS", "10"))
RATE = 500
WAL_LIMIT = 64 << 20
REPLICATOR_RSS_KIB = 32 * 1024
CATCH_UP_SECONDS = 5
GRACE_SECONDS = 20
NOT_ALL_STORED = 74


class Outage:
    def __init__(self, run):
        self.run = run
        self.proxy = HostileProxy(shared(KIND).port)
        self.replica = fresh_replica(KIND, via=self.proxy.address)
        self.scene = Scene(run, self.replica)

    def rate_over(self, seconds):
        """Acknowledged commits a second from now on."""
        before, began = self.scene.last_ack(), time.monotonic()
        time.sleep(seconds)
        return (self.scene.last_ack() - before) / (time.monotonic() - began)

    def state_files(self):
        """Bytes beside the database that are neither it nor its log: a spool would show here."""
        return sum(path.stat().st_size for path in self.scene.host.rglob("*")
                   if path.is_file() and not path.name.startswith("app.db"))

    def is_stored(self, row):
        """Whether the replica, asked behind the proxy's back, restores to a state with it."""
        output = checks.restored(self.run, self.replica.at(), "look")
        with checks.Copy(self.run, output, "look-copy") as copy:
            found = row in {n for _, n in copy.rows()}
        os.unlink(output)
        return found


def behind_a_proxy(function):
    def check(run):
        outage = Outage(run)
        try:
            function(run, outage)
        finally:
            outage.proxy.stop()
    return check


def outage_under_load(run, outage, how):
    scene = outage.scene
    walwrap = scene.start(scene.writer("--rate", RATE))
    scene.wait_for_rows(2 * RATE)
    before = outage.rate_over(3)
    outage.proxy.set_down(how)
    ends, largest_wal, peak = time.monotonic() + SECONDS, 0, 0
    began, rows = time.monotonic(), scene.last_ack()
    replicator = walwrap.wait_for_replicator()
    while time.monotonic() < ends:
        time.sleep(0.2)
        wal = scene.db.with_name("app.db-wal")
        largest_wal = max(largest_wal, wal.stat().st_size if wal.exists() else 0)
        peak = max(peak, procfs.rss_kib(replicator))
    during = (scene.last_ack() - rows) / (time.monotonic() - began)
    spool = outage.state_files()
    outage.proxy.set_down(None)
    last, back = scene.last_ack(), time.monotonic()
    wait_until(lambda: outage.is_stored(last), 30, "row %d in the replica" % last)
    caught_up = time.monotonic() - back
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.must_end(0)
    run.must(walwrap.replicator() is None and during >= 0.95 * before,
             "%.0f commits/s during the outage, %.0f before" % (during, before))
    run.must(largest_wal <= WAL_LIMIT, "the log grew to %d bytes" % largest_wal)
    run.must(spool < 1 << 20, "%d bytes beside the database" % spool)
    run.must(peak <= REPLICATOR_RSS_KIB, "the replicator grew to %d KiB" % peak)
    run.must(caught_up <= CATCH_UP_SECONDS, "caught up after %.1f s" % caught_up)
    scene.app_must_be_unharmed()
    checks.same(run, scene.db, outage.replica, scene.acks())
    run.note("%.0f commits/s before, %.0f during; log %.1f MiB, replicator %.1f MiB; caught up"
             " after %.1f s" % (before, during, largest_wal / (1 << 20), peak / 1024, caught_up))


for how, said in (("refuse", "refuses connections"), ("black-hole", "swallows every request")):
    case("after the store %s for %.0f s under load, everything is stored" % (said, SECONDS))(
        behind_a_proxy(lambda run, outage, how=how: outage_under_load(run, outage, how)))


def stop_during_outage(run, outage, how):
    """74 within the grace, with the reason; the next start over the same disk uploads it."""
    scene = outage.scene
    walwrap = scene.start(scene.writer("--rate", RATE), "--grace", "%ds" % GRACE_SECONDS)
    scene.wait_for_rows(RATE)
    outage.proxy.set_down(how)
    time.sleep(3)
    began = time.monotonic()
    walwrap.process.send_signal(signal.SIGTERM)
    status = walwrap.wait(GRACE_SECONDS + 5)
    took = time.monotonic() - began
    run.must(status == NOT_ALL_STORED, "exit status %s" % status)
    run.must(took <= GRACE_SECONDS, "it took %.1f s" % took)
    said = [line for line in walwrap.log() if line.get("msg") == "flushing"]
    run.must(said and int(said[0]["lag_bytes"]) > 0, "nothing was said while it waited")
    summary = walwrap.summary()
    run.must(summary["flush"] in ("partial", "failed"), "flush=%s" % summary["flush"])
    run.must(summary.get("missing"), "the last line does not say what is missing")
    run.must(int(summary["lag_bytes"]) > 0, "lag_bytes=%s" % summary["lag_bytes"])
    outage.proxy.set_down(None)
    scene.start(scene.writer("--rows", 5, "--check")).must_end(0)
    scene.same()
    run.note("stopped after %.1f s: %s" % (took, summary["missing"][:80]))


for how, said in (("refuse", "refuses connections"), ("black-hole", "swallows every request")):
    case("a stop while the store %s exits with 74, and the next start stores the rest" % said)(
        behind_a_proxy(lambda run, outage, how=how: stop_during_outage(run, outage, how)))


@case("a known database starts during an outage of the store, and is uploaded after it")
@behind_a_proxy
def start_without_store(run, outage):
    scene = outage.scene
    scene.start(scene.writer("--rows", 50)).must_end(0)
    outage.proxy.set_down("refuse")
    began = time.monotonic()
    walwrap = scene.start(scene.writer("--rate", 200, "--check"))
    scene.wait_for_rows(1, 30)
    run.note("the app ran after %.1f s" % (time.monotonic() - began))
    outage.proxy.set_down(None)
    scene.wait_for_rows(200)
    walwrap.process.send_signal(signal.SIGTERM)
    scene.must_be_stored(walwrap)


@case("on a terminal a restore and the final flush show bars that log lines replace")
@behind_a_proxy
def bars(run, outage):
    scene, screen = outage.scene, Screen()
    scene.start(scene.writer("--rows", 50)).must_end(0)
    scene.wipe()
    outage.proxy.arm(Fault("slow", "GetObject", times=1000))
    app = ["sh", "-c", "trap 'exit 0' TERM; echo the app is here; sleep 60 & wait"]
    walwrap = subprocess.Popen(
        [binary(), "--db", scene.db, "--replica", outage.replica.url, "--grace", "6s", "--", *app],
        stdin=screen.slave, stdout=screen.slave, stderr=screen.slave, cwd=run.dir,
        env=run.environment(outage.replica.environment))
    try:
        screen.shows("\r\x1b[Krestoring [", 20)
        screen.shows("\r\x1b[Ktime=", 30)
        screen.shows("the app is here", 20)
        outage.proxy.set_down("black-hole")
        with contextlib.closing(sqlite3.connect(scene.db)) as connection, connection:
            connection.execute("CREATE TABLE later AS SELECT randomblob(100000)")
        walwrap.send_signal(signal.SIGTERM)
        screen.shows("\r\x1b[Kflushing [", 10)
        screen.shows("\r\x1b[Ktime=", 10)
        run.must(walwrap.wait(10) == NOT_ALL_STORED, "exit status %s" % walwrap.returncode)
    finally:
        if walwrap.poll() is None:
            walwrap.terminate()
            walwrap.wait(20)
        screen.close()


if __name__ == "__main__":
    main(jobs=3)
