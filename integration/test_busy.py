#!/usr/bin/env python3
"""An app without a busy timeout: no SQLITE_BUSY, a short -wal, and every commit is stored.

IT_BUSY_SECONDS sets how long each writer writes (3); at most one walwrap runs at a time.
"""

import json
import os
import shutil
import sqlite3
import subprocess

from lib import checks
from lib.harness import APPS, PYTHON, Skip, case, main
from lib.scene import Scene

SECONDS = float(os.environ.get("IT_BUSY_SECONDS", "3"))
STATEMENTS = int(os.environ.get("IT_BUSY_STATEMENTS", "20000"))
HARD_LIMIT = 64 << 20
APP = APPS / "unpausing_writer.py"


def app_output(run):
    return run.path("app-1.out").read_text()


def write_and_check(run, mode, body, rate, *flags):
    scene = Scene(run)
    walwrap = scene.start([PYTHON, APP, scene.db, SECONDS, mode, body, rate], *flags)
    walwrap.must_end(0, seconds=SECONDS + 120)
    result = json.loads(app_output(run))
    missed = [line for line in walwrap.log() if "not captured" in line.get("msg", "")]
    run.must(not missed, "commits were missed: %s" % missed)
    run.must(result["busy"] == 0, "%(busy)d times SQLITE_BUSY, %(commits)d commits" % result)
    run.must(result["largest_wal"] <= 2 * HARD_LIMIT, "a -wal of %d bytes" % result["largest_wal"])
    # The oracle would take an hour for what minutes at full speed write.
    checks.same(run, scene.db, scene.replica, tables=["busy"], by_oracle=SECONDS <= 10)
    run.note("%(commits)d commits, -wal up to %(largest_wal)d bytes" % result)


def register(mode, body, rate):
    speed = "%d commits a second" % rate if rate else "at full speed"

    @case("busy_timeout=0, %s, %s, rows of %d bytes cause no SQLITE_BUSY" % (mode, speed, body))
    def _(run):
        write_and_check(run, mode, body, rate)


for each_mode in ("NORMAL", "FULL"):
    for each_body in (100, 2000):
        for each_rate in (200, 0):
            register(each_mode, each_body, each_rate)


@case("sqlite3 app.db < dump.sql loses none of %d statements without a busy timeout" % STATEMENTS)
def dump_is_imported(run):
    shell = shutil.which("sqlite3")
    if not shell:
        raise Skip("no sqlite3 shell")
    dump = run.path("dump.sql")
    with open(dump, "w", encoding="ascii") as file:
        file.write("create table imported(id integer primary key, body text);\n")
        for number in range(1, STATEMENTS):
            file.write("insert into imported values(%d, '%s');\n" % (number, "x" * (number % 200)))
    scene = Scene(run)
    sqlite3.connect(scene.db).executescript("pragma journal_mode = wal; create table other(a)")
    walwrap = scene.start(["sh", "-c", '%s "$0" < "$1"' % shell, scene.db, dump])
    walwrap.must_end(0, seconds=300)
    log = walwrap.log_path.read_text(errors="replace")
    run.must("database is locked" not in log, "the shell met SQLITE_BUSY")
    output = checks.restored(run, scene.replica)
    rows = subprocess.run([shell, str(output), "select count(*), max(id) from imported"],
                          capture_output=True, text=True, check=True).stdout.strip()
    run.must(rows == "%d|%d" % (STATEMENTS - 1, STATEMENTS - 1), "rows restored: %s" % rows)


if __name__ == "__main__":
    main()
