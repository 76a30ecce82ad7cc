#!/usr/bin/env python3
"""A reader that stays pins the log, as it does in bare SQLite: the log says who it is."""

import signal
import struct
import subprocess
import time

from lib.harness import PYTHON, case, main, wait_until
from lib.scene import Scene

HARD_LIMIT_MIB = 8  # what the log may grow to without a reader; a quarter of it is worth a word
LINE_SECONDS = 15
BEGUN = "a reader prevents the WAL from restarting"
ENDED = "the WAL can restart again"

READER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin")
print(db.execute("select count(*) from notes").fetchone()[0], flush=True)
sys.stdin.read()
print(db.execute("select count(*) from notes").fetchone()[0], flush=True)
"""


def wal_size(scene):
    return scene.db.with_name("app.db-wal").stat().st_size


def wal_generation(scene):
    """Counted up by whoever restarts the log. Source: sqlite.org/fileformat2.html, "WAL Header"."""
    with open(scene.db.with_name("app.db-wal"), "rb") as wal:
        return struct.unpack_from(">I", wal.read(32), 12)[0]


def lines(walwrap, text):
    return [fields for fields in walwrap.log() if fields.get("msg") == text]


@case("a process with a long read transaction is named, and the WAL is reused when it ends")
def long_reader(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rate", 200, "--body", 4000),
                          "--wal-limit", "%dMiB" % HARD_LIMIT_MIB)
    scene.wait_for_rows(100)
    reader = subprocess.Popen([PYTHON, "-c", READER, str(scene.db)], env=run.environment(),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rows = reader.stdout.readline()
    began = time.monotonic()
    pinned = wal_generation(scene)
    line = wait_until(lambda: lines(walwrap, BEGUN), LINE_SECONDS, "the line about the reader")[0]
    run.note("named after %.1f s" % (time.monotonic() - began))
    run.must(line["level"] == "warn" and line["db"] == "app.db", "the line is %s" % line)
    run.must(line["pid"] == str(reader.pid), "pid=%s, the reader is %d" % (line["pid"], reader.pid))
    run.must(10 <= int(line["reader_s"]) <= LINE_SECONDS, "reader_s=%s" % line["reader_s"])
    run.must(int(line["wal_bytes"]) > HARD_LIMIT_MIB << 18, "wal_bytes=%s" % line["wal_bytes"])
    run.must(wal_generation(scene) == pinned, "the log was restarted under a reader")

    said, _ = reader.communicate(timeout=20)
    run.must(reader.returncode == 0 and said == rows, "the reader saw %r, then %r" % (rows, said))
    grown = wal_size(scene)
    wait_until(lambda: lines(walwrap, ENDED), 10, "the line about its end")
    wait_until(lambda: wal_generation(scene) != pinned, 10, "the log to be restarted")
    time.sleep(3)
    most = grown + (HARD_LIMIT_MIB << 20)
    run.must(wal_size(scene) <= most, "the log grew from %d to %d bytes" % (grown, wal_size(scene)))
    run.must(len(lines(walwrap, BEGUN)) == 1, "said %d times" % len(lines(walwrap, BEGUN)))
    walwrap.process.send_signal(signal.SIGTERM)
    scene.must_be_stored(walwrap)


if __name__ == "__main__":
    main()
