#!/usr/bin/env python3
"""Hosts whose disk is wiped at each restart, and what a boot costs."""

import signal
import sqlite3

from lib import checks
from lib.harness import case, main
from lib.scene import Scene

CYCLES = 20
BOOT_BUDGET = 10 * 1024  # bytes uploaded by a boot over a database nobody touched
SMALL_CHANGE = 256 * 1024  # what a few rows, the fence slot and the bookkeeping may come to


@case("20 dyno cycles with a wiped disk each lose no row")
def dyno_cycles(run):
    scene = Scene(run)
    largest = 0
    for cycle in range(CYCLES):
        check = ["--check"] if cycle else []
        before = checks.stored_bytes(scene.replica)
        walwrap = scene.start(scene.writer("--rate", 500, "--on-term", 143, *check))
        scene.wait_for_rows(100)
        walwrap.process.send_signal(signal.SIGTERM)
        walwrap.must_end(143)
        scene.app_must_be_unharmed()
        uploaded = checks.uploaded_between(before, checks.stored_bytes(scene.replica))
        largest = max(largest, uploaded)
        if cycle < CYCLES - 1:
            scene.wipe()
    scene.same()
    run.note("%d rows, at most %d KiB uploaded in a life" % (len(scene.acks()), largest >> 10))


def fill(scene, mib):
    """A database of that size, fully stored, the host's disk intact."""
    scene.start(scene.writer("--rows", mib, "--body", 1 << 20)).must_end(0)


def uploaded_by(scene, command):
    before = checks.stored_bytes(scene.replica)
    scene.start(command).must_end(0)
    return checks.uploaded_between(before, checks.stored_bytes(scene.replica))


@case("a start over an unchanged 64 MiB database uploads less than 10 KiB")
def boot_untouched(run):
    scene = Scene(run)
    fill(scene, 64)
    for number in range(2):
        uploaded = uploaded_by(scene, ["true"])
        run.must(uploaded < BOOT_BUDGET, "boot %d uploaded %d bytes" % (number + 1, uploaded))
    scene.same()
    run.note("%d bytes" % uploaded)


@case("a start on an empty disk restores 64 MiB and uploads less than 10 KiB")
def boot_empty(run):
    scene = Scene(run)
    fill(scene, 64)
    digest = checks.tree(scene.host, leave_out=("app.db-", ".app.db"))
    scene.wipe()
    uploaded = uploaded_by(scene, ["true"])
    run.must(uploaded < BOOT_BUDGET, "it uploaded %d bytes" % uploaded)
    run.must(checks.tree(scene.host, leave_out=("app.db-", ".app.db")) == digest,
             "the database is not the one that was wiped")
    scene.same()
    run.note("%d bytes" % uploaded)


@case("after a restore of 64 MiB only the new rows are uploaded")
def boot_empty_and_write(run):
    scene = Scene(run)
    fill(scene, 64)
    scene.wipe()
    uploaded = uploaded_by(scene, scene.writer("--rows", 10, "--check"))
    run.must(uploaded < SMALL_CHANGE, "it uploaded %d bytes" % uploaded)
    scene.same()
    run.note("%d bytes" % uploaded)


@case("an edit made while walwrap did not run is all that the next start uploads")
def edited_offline(run):
    scene = Scene(run)
    fill(scene, 16)
    with sqlite3.connect(scene.db) as db:
        db.execute("insert into notes values(7, 1, 'offline')")
    db.close()
    uploaded = uploaded_by(scene, ["true"])
    run.must(uploaded < SMALL_CHANGE, "it uploaded %d bytes" % uploaded)
    scene.same()


if __name__ == "__main__":
    main(jobs=2)
