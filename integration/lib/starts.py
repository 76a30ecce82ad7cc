"""Makes the pairs of local database and replica that a start can meet.

Each pair has one history: a first life of FIRST rows, a second of SECOND, both stored. LOCAL makes
what lies on the host's disk, then REPLICA what lies in the store.
"""

import os
import shutil
import sqlite3

FIRST = 40
SECOND = 40
BODY = 4000
DATABASE_BYTES = FIRST * BODY


def _life(scene, rows, *flags):
    scene.start(scene.writer("--rows", rows, "--body", BODY, *flags)).must_end(0)


def _history(scene, run):
    """Both lives; keeps the host's disk as it was after the first."""
    _life(scene, FIRST)
    shutil.copytree(scene.host, run.dir / "after-first")
    _life(scene, SECOND)


def _use(scene, directory):
    shutil.rmtree(scene.host)
    shutil.copytree(directory, scene.host)


def _none(scene, run):
    _history(scene, run)
    scene.wipe()


def _known(scene, run):
    _history(scene, run)


def _behind(scene, run):
    _history(scene, run)
    _use(scene, run.dir / "after-first")


def _unknown(scene, run):
    """A database that walwrap never saw, its last rows still in a WAL that nobody checkpointed."""
    _history(scene, run)
    scene.wipe()
    source = run.path("foreign", "app.db")
    with sqlite3.connect(source, isolation_level=None) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table notes(w integer, n integer, body blob, primary key (w, n))")
        db.executemany("insert into notes values(5, ?, randomblob(3000))",
                       [(n,) for n in range(1, 21)])
        db.execute("pragma wal_checkpoint(passive)")
        db.execute("insert into notes values(5, 21, 'only in the WAL')")
        for suffix in ("", "-wal"):
            shutil.copyfile(str(source) + suffix, str(scene.db) + suffix)
    db.close()


def _diverged(scene, run):
    """Two hosts went on from the first life; this is the one that could not store its rows."""
    _life(scene, FIRST)
    shutil.copytree(scene.host, run.dir / "after-first")
    shutil.copytree(scene.replica, run.dir / "replica-of-first")
    _life(scene, SECOND)
    shutil.copytree(scene.replica, run.dir / "replica-of-second")
    _use(scene, run.dir / "after-first")
    shutil.rmtree(scene.replica)
    shutil.copytree(run.dir / "replica-of-first", scene.replica)
    _life(scene, 7, "--id", "1")
    shutil.rmtree(scene.replica)
    shutil.copytree(run.dir / "replica-of-second", scene.replica)


LOCAL = {"none": _none, "known": _known, "behind": _behind, "unknown": _unknown,
         "diverged": _diverged}


def _present(_scene, _run):
    pass


def _equal(scene, run):
    """The local database, without its state, is what the replica holds."""
    scene.wipe()
    scene.start(["true"]).must_end(0)
    for path in scene.host.iterdir():
        if path.name.startswith(".app.db"):
            shutil.rmtree(path)


def _empty(scene, _run):
    shutil.rmtree(scene.replica)
    scene.replica.mkdir()


def _not_a_directory(scene, run):
    shutil.rmtree(scene.replica)
    scene.replica = run.path("a-file")
    scene.replica.write_text("this is not a directory\n")


def _no_rights(scene, _run):
    os.chmod(scene.replica, 0)


def give_to_nobody(scene, run):
    """The host belongs to the unprivileged user who will run walwrap; the replica does not."""
    if os.geteuid() != 0:
        return
    os.chmod(run.dir, 0o777)
    for path in [run.dir, scene.host, *scene.host.rglob("*"), *run.dir.glob("ack*")]:
        os.chown(path, 65534, 65534)


def ltx_files(scene):
    """Oldest first."""
    return sorted(scene.replica.glob("ltx/0/*.ltx"))


def _damaged(scene, _run):
    """One flipped bit in the oldest file, which holds the first image."""
    path = ltx_files(scene)[0]
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


def _gap(scene, _run):
    """A file before the newest is gone, at every level that covers it."""
    files = ltx_files(scene)
    files[(len(files) - 1) // 2].unlink()  # never the newest of several
    for path in scene.replica.glob("ltx/[1-9]/*.ltx"):
        path.unlink()


REPLICA = {"present": _present, "equal": _equal, "empty": _empty,
           "not a directory": _not_a_directory, "no rights": _no_rights, "damaged": _damaged,
           "gap": _gap}
