#!/usr/bin/env python3
"""The plug is pulled: every process dies at once, at a random moment."""

import os
import random
import shutil
import sqlite3
import time

from lib import checks
from lib.harness import case, main
from lib.scene import Scene

ROUNDS = int(os.environ.get("IT_CRASH_ROUNDS", "5"))
# How old an acknowledgement must be to survive a crash without the disk. A file store on a free
# machine lags by milliseconds; the test machine is not free.
LAG_SECONDS = 1.0


def crash(scene, seed, *flags):
    """The writer at full speed until the plug is pulled; returns the moment."""
    choice = random.Random(seed)
    walwrap = scene.start(scene.writer(*flags))
    scene.wait_for_rows(50)
    time.sleep(choice.uniform(0.05, 1.0))
    moment = time.monotonic()
    walwrap.kill_everything(order=lambda pids: choice.sample(pids, len(pids)))
    return moment


def seed_of(run):
    seed = int(os.environ.get("IT_SEED", random.randrange(1 << 32)))
    run.note("seed %d" % seed)
    print("     seed %d: %s" % (seed, run.name), flush=True)
    return seed


@case("a restart after kill -9 of everything keeps every row on the disk, %d times" % ROUNDS)
def surviving_disk(run):
    scene = Scene(run)
    seed = seed_of(run)
    for number in range(ROUNDS):
        crash(scene, seed + number, *(["--check"] if number else []))
        walwrap = scene.start(scene.writer("--rows", 5, "--check"))
        scene.must_be_stored(walwrap)
    run.note("%d rows" % len(scene.acks()))


@case("repeated crashes without a clean stop between them lose no row")
def crash_after_crash(run):
    scene = Scene(run)
    seed = seed_of(run)
    for number in range(3):
        crash(scene, seed + number, *(["--check"] if number else []))
    walwrap = scene.start(scene.writer("--rows", 5, "--check"))
    scene.must_be_stored(walwrap)


@case("a restart on an empty disk after kill -9 of everything loses at most the lag")
def empty_disk(run):
    seed = seed_of(run)
    worst = 0.0
    for number in range(ROUNDS):
        scene = Scene(run)
        scene.ack = run.path("ack-%d" % number)
        scene.replica = run.path("replica-%d" % number, "x").parent
        moment = crash(scene, seed + number)
        scene.wipe()
        walwrap = scene.start(["true"])
        # A crash may come before the first upload; then there is nothing to restore.
        has_database = scene.db.exists() or any(scene.replica.glob("ltx/*/*.ltx"))
        walwrap.must_end(0, flush="ok" if has_database else "nothing")
        rows = set()
        if has_database:
            with checks.Copy(run, scene.db, "live") as copy:
                rows, tables = {n for _, n in copy.rows()}, copy.tables()
            checks.same(run, scene.db, scene.replica, tables=tables)
        run.must(rows == set(range(1, len(rows) + 1)), "the restored rows are no prefix")
        missing = [at for _, n, at in scene.acks() if n not in rows]
        if missing:
            worst = max(worst, moment - missing[0])
        run.must(worst <= LAG_SECONDS, "a row acknowledged %.3f s before the crash is lost" % worst)
        scene.wipe()
    run.note("the oldest lost acknowledgement was %.0f ms old" % (worst * 1000))


@case("a WAL without its database is set aside before a restore")
def foreign_wal(run):
    scene = Scene(run)
    scene.start(scene.writer("--rows", 100)).must_end(0)
    scene.wipe()
    wal = scene.db.with_name("app.db-wal")
    with sqlite3.connect(run.path("other.db"), isolation_level=None) as other:
        other.execute("pragma journal_mode = wal")
        other.execute("create table notes(foreign_to_this_database)")
        shutil.copyfile(run.path("other.db-wal"), wal)
    other.close()
    contents = wal.read_bytes()
    walwrap = scene.start(scene.writer("--rows", 5, "--check"))
    scene.must_be_stored(walwrap)
    kept = [p for p in scene.host.rglob("*") if p.is_file() and p.read_bytes() == contents]
    run.must(kept, "the foreign WAL was deleted")


if __name__ == "__main__":
    main(jobs=2)
