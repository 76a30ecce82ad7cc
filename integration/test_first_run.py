#!/usr/bin/env python3
"""An app whose database is new, or in SQLite's default mode, sees no error that it would not see
alone, and everything it wrote is stored.

IT_FIRST_RUNS repetitions of each case (CI: 2; scripts/soak: 60).
"""

import json
import os
import shutil
import sqlite3
import subprocess

from lib import checks
from lib.harness import APPS, PYTHON, Skip, binary, case, main, wait_until
from lib.scene import Scene

RUNS = int(os.environ.get("IT_FIRST_RUNS", "2"))
STATEMENTS = 420


def shell():
    program = shutil.which("sqlite3")
    if not program:
        raise Skip("there is no sqlite3 shell")
    return program


def dump(path, statements, pause_after=None):
    """Autocommit statements, each a transaction of its own, as a dump without BEGIN has them."""
    lines = ["create table t(n integer primary key, body);"]
    for number in range(statements):
        lines.append("insert into t values(%d, 'row %d');" % (number, number))
        if number == pause_after:
            lines.append(".system sleep 0.8")
    path.write_text("\n".join(lines) + "\n")


def each_run(name):
    """A case of RUNS rounds, each with a scene of its own."""
    def register(function):
        @case(name)
        def check(run):
            for number in range(RUNS):
                run.round = number
                scene = Scene(run)
                function(run, scene)
                shutil.rmtree(scene.host)
                shutil.rmtree(scene.replica)
        return function
    return register


def must_be_equal(scene, tables):
    checks.same(scene.run, scene.db, scene.replica, tables=tables)


def import_dump(pause_after):
    what = "that is imported without a pause" if pause_after is None else "with a pause in it"
    @each_run("the sqlite3 shell loses no statement of a dump " + what)
    def check(run, scene):
        script = run.path("dump.sql")
        dump(script, STATEMENTS, pause_after)
        walwrap = scene.start(["sh", "-c", "exec %s %s < %s" % (shell(), scene.db, script)])
        walwrap.must_end(0)
        said = walwrap.log_path.read_text()
        run.must("locked" not in said, "the shell saw a locked database")
        with checks.Copy(run, scene.db, "live") as copy:
            rows = copy.one("select count(*) from t")
        run.must(rows == STATEMENTS, "%s of %d rows" % (rows, STATEMENTS))
        must_be_equal(scene, ["t"])


import_dump(None)
import_dump(STATEMENTS // 2)


@each_run("the quick start of the README works")
def quick_start(run, scene):
    made = scene.start([shell(), str(scene.db), "CREATE TABLE t(a); INSERT INTO t VALUES('kept')"])
    made.must_end(0)
    scene.wipe()
    kept = scene.start([shell(), str(scene.db), "SELECT a FROM t"])
    kept.must_end(0)
    said = run.path("app-%d.out" % kept.number).read_text()
    run.must(said == "kept\n", "the second run printed %r" % said)


def migrate(scene, *flags):
    """The migrator under walwrap; returns the mode it ended in."""
    run = scene.run
    errors = run.path("errors-%d" % run.round)
    walwrap = scene.start([PYTHON, str(APPS / "migrator.py"), str(scene.db), str(errors),
                           *map(str, flags)])
    status = walwrap.wait(60)
    run.must(not errors.exists(), "the app saw: %s" % (errors.exists() and errors.read_text()))
    run.must(status == 0, "exit status %d" % status)
    run.must(walwrap.summary()["flush"] == "ok", "flush=%s" % walwrap.summary()["flush"])
    with checks.Copy(run, scene.db, "tables") as copy:
        tables = copy.tables()
    must_be_equal(scene, tables)
    return run.path("app-%d.out" % walwrap.number).read_text().split()[1], walwrap


def migration(name, *flags, mode="wal"):
    for timeout in (0, 5):
        @each_run("%s, busy timeout %d s" % (name, timeout))
        def check(run, scene, timeout=timeout):
            got, _ = migrate(scene, "--absent", "--timeout", timeout, *flags)
            run.must(mode in (None, got), "the app ended in journal mode %s" % got)


migration("a migration in the default mode, a pause, more transactions")
migration("a connection per transaction, a pause, more transactions", "--reconnect",
          "--transactions", 60)
migration("transactions with pauses of all lengths", "--transactions", 5,
          "--pauses", ",".join("%g" % (0.01 * 1.5 ** i) for i in range(10)), mode=None)
migration("an app whose first statement is PRAGMA journal_mode=WAL",
          "--first", "pragma journal_mode=wal")
migration("an app that asks for WAL mode with each connection", "--reconnect",
          "--first", "pragma journal_mode=wal", "--transactions", 60)


def existing(name, *flags):
    for timeout in (0, 5):
        @each_run("%s, busy timeout %d s" % (name, timeout))
        def check(run, scene, timeout=timeout):
            database = sqlite3.connect(scene.db)
            database.executescript("create table old(a); insert into old values (1)")
            database.close()
            migrate(scene, "--timeout", timeout, *flags)


existing("a database of before, in the default mode")
existing("a database of before, whose app asks for WAL mode first",
         "--first", "pragma journal_mode=wal")


@each_run("the app chooses page size, auto_vacuum and encoding as without walwrap")
def settings(run, scene):
    sql = ("pragma page_size=1024; pragma auto_vacuum=full; pragma encoding='UTF-16le';"
           "create table t(a); insert into t values('ä')")
    bare = run.path("bare-%d.db" % run.round)
    subprocess.run([shell(), str(bare), sql], check=True)
    scene.start([shell(), str(scene.db), sql]).must_end(0)
    with checks.Copy(run, bare, "bare") as alone, checks.Copy(run, scene.db, "live") as ours:
        run.must(alone.digest() == ours.digest(), "the settings differ from those alone")
    must_be_equal(scene, ["t"])


@case("an app in exclusive locking mode is reported with its pid, and stored when it has ended")
def exclusive(run):
    scene = Scene(run)
    app = ("import os, sqlite3, sys, time\n"
           "db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)\n"
           "db.execute('pragma locking_mode=exclusive')\n"
           "db.execute('create table t(a)')\n"
           "print(os.getpid(), flush=True)\n"
           "for i in range(130):\n"
           "    db.execute('insert into t values(?)', (i,))\n"
           "    time.sleep(0.1)\n")
    walwrap = scene.start([PYTHON, "-c", app, str(scene.db)], "--health-max-lag", "4s")
    status = wait_until(lambda: waiting(scene), 10, "a status that says that it waits")
    pid = run.path("app-%d.out" % walwrap.number).read_text().strip()
    run.must("process %s has it locked" % pid in status["error"], status["error"])
    run.must(status["lag"]["bytes"] > 0, "no lag: %s" % status["lag"])
    wait_until(lambda: not waiting(scene)["healthy"], 8, "the health to be red")
    walwrap.must_end(0)
    lines = [line for line in walwrap.log() if line["msg"].startswith("not replicated")]
    run.must(len(lines) == 1, "%d warnings" % len(lines))
    run.must("EXCLUSIVE" in lines[0]["hint"] and pid in lines[0]["cause"], str(lines[0]))
    with checks.Copy(run, scene.db, "live") as copy:
        run.must(copy.one("select count(*) from t") == 130, "rows are missing")
    must_be_equal(scene, ["t"])


def waiting(scene):
    """The status of a database that waits to be attached, with a reason; else None."""
    asked = subprocess.run([binary(), "status", "--json", "--socket", str(scene.socket)],
                           capture_output=True, text=True, env=scene.run.environment())
    if asked.returncode != 0:
        return None
    status = json.loads(asked.stdout)["databases"][0]
    return status if status["state"] == "waiting to attach" and status["error"] else None


if __name__ == "__main__":
    binary()
    main(jobs=3)
