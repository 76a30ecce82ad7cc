"""What the benchmarks share: the compiled writer, runs under walwrap, medians, tables and JSON."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "integration"))

from lib import procfs  # noqa: E402
from lib.harness import binary, cache_dir, wait_until  # noqa: E402, F401
from lib.walwrap import REPLICATOR  # noqa: E402


def writer():
    return compiled("writer.cpp")


def compiled(name):
    """An app of a benchmark; built anew when its source is newer."""
    source = ROOT / "bench" / name
    program = cache_dir() / ("bench-" + source.stem.replace("_", "-"))
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["g++", "-O2", "-std=c++20", str(source), "-lsqlite3", "-o", str(program)],
                       check=True)
    return str(program)


def arguments(description, **defaults):
    """--name for each default, and --dir for the disk that is measured."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dir", default=os.environ.get("TMPDIR", "/var/tmp"),
                        help="where the databases lie: the disk that is measured")
    for name, value in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    return parser.parse_args()


class Scratch:
    """A directory on the measured disk, gone at the end; the processes in it are ended first."""

    def __init__(self, parent):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="walwrap-bench-", dir=parent))
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
        shutil.rmtree(self.path, ignore_errors=True)

    def fresh(self, name):
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def start(self, database, replica, command, stdout=subprocess.DEVNULL):
        """The command under walwrap; the log goes to walwrap.log, replaced by each start."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("WALWRAP_")}
        with open(self.path / "walwrap.log", "wb") as log:
            process = subprocess.Popen(
                [binary(), "--db", str(database), "--replica", "file://%s" % replica, "--",
                 *map(str, command)], stdin=subprocess.DEVNULL, stdout=stdout, stderr=log, env=env,
                text=True)
        self.running.append(process)
        return process

    def must_end(self, process, status=0, seconds=300):
        got = process.wait(seconds)
        if got != status:
            sys.exit("walwrap exits %d; its log ends:\n%s"
                     % (got, (self.path / "walwrap.log").read_text()[-2000:]))


def replicator_of(process):
    """The pid of the replicator below a running walwrap."""
    def find():
        return next((pid for pid in procfs.children(process.pid)
                     if procfs.name(pid) == REPLICATOR), None)
    return wait_until(find, 30, "the replicator")


def make_database(path, mib):
    """A database of about that size: rows of a kilobyte, half of which compresses."""
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = off")
        db.execute("create table filler(id integer primary key, body blob, text text)")
        for _ in range(mib):
            db.execute("begin")
            db.executemany("insert into filler(body, text) values(randomblob(480), ?)",
                           [("walwrap " * 60,)] * 1000)
            db.execute("commit")
        db.execute("pragma wal_checkpoint(truncate)").fetchall()
    db.close()
    return os.path.getsize(path)


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]


def publish(name, rows, result):
    """A table for people, then one line of JSON for programs."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        print("  ".join(cells))
    result = {"benchmark": name, "when": datetime.datetime.now(datetime.timezone.utc).isoformat(),
              "machine": "%s, %d CPUs" % (platform.platform(), os.cpu_count()), **result}
    print(json.dumps(result), flush=True)


def flush_disk():
    """So that what one run left to write is not paid by the next."""
    os.sync()
    time.sleep(0.5)
