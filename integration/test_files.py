#!/usr/bin/env python3
"""A path is not a file: the database, its -wal and its -shm are deleted, replaced and written over,
by the app and by its start script. What is at the path in the end is in the replica, or walwrap
says that it is not."""

import shlex
import sqlite3
import subprocess

from lib.harness import PYTHON, case, main
from lib.scene import Scene
from lib.walwrap import restore

# What each app below begins with.
PRELUDE = """
import os, shutil, sqlite3, sys, time
path = sys.argv[1]
def connect():
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    db.execute("pragma journal_mode=wal")
    return db
def insert(db, *rows):
    for row in rows:
        db.execute("insert into t values (?, randomblob(1500))", (row,))
def create(rows):
    db = connect()
    db.execute("create table if not exists t(a, b)")
    insert(db, *rows)
    return db
def delete(*suffixes):
    for suffix in suffixes:
        if os.path.exists(path + suffix):
            os.remove(path + suffix)
"""


def app(scene, body, *arguments):
    return [PYTHON, "-c", PRELUDE + body, scene.db, *arguments]


def rows(path):
    """Of the table, and whether the file is whole."""
    db = sqlite3.connect(path)
    try:
        whole = db.execute("pragma integrity_check").fetchone()[0]
        return [row[0] for row in db.execute("select a from t order by a")], whole
    finally:
        db.close()


def must_hold(run, scene, expected):
    """Both the file at the path and the replica hold these rows, and no other."""
    at_path = rows(scene.db)
    run.must(at_path == (expected, "ok"), "at the path: %s" % (at_path,))
    output = run.path("restored.db")
    output.unlink(missing_ok=True)
    status, said = restore(run, scene.replica, output)
    run.must(status == 0, "restore: %s" % said[-500:])
    restored = rows(output)
    run.must(restored == (expected, "ok"), "in the replica: %s" % (restored,))


def prepare(run, count=3):
    """A database that an earlier run has stored."""
    scene = Scene(run)
    scene.start(app(scene, "create(range(%d)).close()" % count)).must_end(0)
    return scene


SUFFIXES = {"-wal": ["-wal"], "-shm": ["-shm"], "both": ["-wal", "-shm"]}

for name, suffixes in SUFFIXES.items():
    words = ", ".join(map(repr, suffixes))

    @case("every later row is stored when a start script deletes %s" % name)
    def deleted_before(run, suffixes=suffixes):
        scene = prepare(run)
        script = "rm -f %s; exec %s" % (
            " ".join(shlex.quote(str(scene.db) + suffix) for suffix in suffixes),
            " ".join(shlex.quote(str(word)) for word in app(scene, """
db = connect()
for row in range(3, 30):
    insert(db, row)
    time.sleep(0.01)
db.close()
""")))
        scene.start(["sh", "-c", script]).must_end(0)
        must_hold(run, scene, list(range(30)))

    @case("every row is stored when the app deletes %s while it has the database open" % name)
    def deleted_during(run, words=words):
        scene = prepare(run)
        scene.start(app(scene, """
db = connect()
insert(db, 3, 4)
time.sleep(0.3)
delete(%s)
insert(db, 5, 6)
time.sleep(0.3)
insert(db, 7)
db.close()
""" % words)).must_end(0)
        must_hold(run, scene, list(range(8)))

    @case("every row is stored when the app deletes %s between two connections" % name)
    def deleted_between(run, words=words):
        scene = prepare(run)
        scene.start(app(scene, """
db = connect()
insert(db, 3, 4)
db.close()
time.sleep(0.3)
delete(%s)
db = connect()
insert(db, 5)
time.sleep(0.2)
insert(db, 6)
db.close()
""" % words)).must_end(0)
        must_hold(run, scene, list(range(7)))

    @case("every row is stored when %s is deleted just before the app ends" % name)
    def deleted_at_end(run, words=words):
        scene = prepare(run)
        scene.start(app(scene, """
db = connect()
insert(db, 3, 4)
delete(%s)
db.close()
""" % words)).must_end(0)
        must_hold(run, scene, list(range(5)))


RESTORE = """
db = create(range(3))
db.close()
time.sleep(0.3)
backup = path + ".backup"
shutil.copy(path, backup)
db = connect()
insert(db, *range(3, 60))
db.close()
time.sleep(float(sys.argv[2]))
{how}
db = connect()
insert(db, 100)
time.sleep(float(sys.argv[3]))
insert(db, 101)
db.close()
"""
WAYS = {"copied": "shutil.copy(backup, path)", "renamed": "os.replace(backup, path)"}

for way, how in WAYS.items():
    for before in ("0.05", "1.5", "6"):
        @case("a backup that is %s over the closed database after %s s is stored" %
              (way, before))
        def restored(run, how=how, before=before):
            scene = Scene(run)
            scene.start(app(scene, RESTORE.format(how=how), before, "0.3")).must_end(0)
            must_hold(run, scene, [0, 1, 2, 100, 101])


@case("a database that is replaced just before the app ends is stored")
def replaced_at_end(run):
    for attempt in range(4):
        scene = Scene(run)
        scene.start(app(scene, """
db = create(range(3))
other = path + ".new"
new = sqlite3.connect(other, isolation_level=None)
new.execute("create table t(a, b)")
new.execute("insert into t values (%d, 'new')")
new.close()
time.sleep(0.3)
db.close()
os.replace(other, path)
""" % (200 + attempt))).must_end(0)
        must_hold(run, scene, [200 + attempt])
        scene.wipe()
        subprocess.run(["rm", "-rf", str(scene.replica)], check=True)


@case("a database that a library rewrites in place is stored")
def written_in_place(run):
    scene = Scene(run)
    scene.start(app(scene, """
for count in range(1, 6):
    image = sqlite3.connect(":memory:", isolation_level=None)
    image.execute("create table t(a, b)")
    image.executemany("insert into t values (?, 'x')", [(row,) for row in range(count)])
    bytes = image.serialize() if hasattr(image, "serialize") else None
    if bytes is None:
        side = sqlite3.connect(path + ".side")
        image.backup(side)
        side.close()
        bytes = open(path + ".side", "rb").read()
        os.remove(path + ".side")
    with open(path, "wb") as file:
        file.write(bytes)
    time.sleep(0.4)
""")).must_end(0)
    must_hold(run, scene, list(range(5)))


@case("an app without a database ends with flush=nothing and its own status")
def nothing(run):
    scene = Scene(run)
    walwrap = scene.start(["sh", "-c", "exit 0"])
    walwrap.must_end(0, flush="nothing")
    summary = walwrap.summary()
    run.must(summary["level"] == "warn" and "no database appeared" in summary["missing"],
             "said: %s" % summary)


@case("a path without a database causes one warning after ten seconds")
def absent(run):
    scene = Scene(run)
    walwrap = scene.start(["sleep", "12"])
    walwrap.must_end(0, flush="nothing")
    warned = [line for line in walwrap.log() if "no database at this path" in line.get("msg", "")]
    run.must(len(warned) == 1, "warned %d times" % len(warned))


@case("a warning says what the replica keeps after the app deleted its database")
def deleted(run):
    scene = Scene(run)
    walwrap = scene.start(app(scene, """
db = create(range(3))
time.sleep(1)
db.close()
time.sleep(0.3)
delete("", "-wal", "-shm")
time.sleep(0.3)
"""))
    walwrap.must_end(0, flush="nothing")
    run.must("keeps its last state" in walwrap.summary()["missing"], "%s" % walwrap.summary())


@case("a flush without enough descriptors fails with the reason")
def descriptors(run):
    for limit in (24, 26, 28):
        scene = Scene(run)
        walwrap = scene.start(app(scene, "create(range(3)).close()\ntime.sleep(1)"),
                              shell="ulimit -n %d" % limit)
        status = walwrap.wait()
        if any("start refused" in line for line in walwrap.log_lines()):
            print("     ulimit -n %d: refused" % limit)
        else:
            flush = walwrap.summary()["flush"]
            print("     ulimit -n %d: exit %s, flush=%s" % (limit, status, flush))
            run.must((status, flush) in ((0, "ok"), (74, "failed")),
                     "ulimit -n %d: exit %s, %s" % (limit, status, walwrap.summary()))
            if status == 0:
                must_hold(run, scene, [0, 1, 2])
        scene.wipe()
        subprocess.run(["rm", "-rf", str(scene.replica)], check=True)


@case("a garbage file in place of the database is retried, reported, and fails the flush")
def garbage(run):
    scene = Scene(run)
    walwrap = scene.start(app(scene, """
with open(path, "wb") as file:
    file.write(os.urandom(20000))
time.sleep(4)
"""))
    walwrap.must_end(74, flush="failed")
    run.must("not a database" in walwrap.summary()["missing"], "%s" % walwrap.summary())
    said = [line for line in walwrap.log() if "not a database" in line.get("cause", "")]
    run.must(1 <= len(said) <= 3, "said %d times" % len(said))


main(jobs=4)
