"""What becomes of a run when a name comes to mean something else: one cell of the table.

Every cell begins with a copy of the same history, made once: three lives of one database on one
replica, and one life of another database on another replica. The cell's walwrap works on what the
second life left; OLDER is what the first left, NEWER what the third did, FOREIGN the other's.
"""

import os
import shutil
import signal
import sqlite3

from . import checks
from .harness import Failure, wait_until
from .piped import AppFailed, Life, Place, give, must_start
from .walwrap import restore

OBJECTS = ("database", "-wal", "-shm", "state file", "state directory", "replica directory",
           "identity", "newest slot", "first image")
CHANGES = ("removed", "older", "newer", "foreign", "empty", "linked", "truncated", "permissions")
MOMENTS = ("before the start", "while running", "before the verdict", "between two starts")
FILES = ("database", "-wal", "-shm")  # SQLite's, which an app closes before they are changed
WAIT_SECONDS = 2
SEEDS = 40  # rows of a database before its first life: pages that only the first image has
STORED = [(name, n) for name, rows in (("a", SEEDS), ("a1", 5), ("a2", 5))
          for n in range(1, rows + 1)]  # before a cell begins
FIRST_IMAGE, STATE_DIRECTORY = "ltx/0/%016x-%016x.ltx" % (1, 1), ".app.db-walwrap"


def slots(place):
    return sorted(place.replica.glob("ltx/0/*.ltx"))


def path_of(thing, place):
    """Where the object is in a place."""
    if thing == "newest slot":
        return (slots(place) or [place.replica / "ltx/0/none"])[-1]
    return {"database": place.db,
            "-wal": place.host / "app.db-wal",
            "-shm": place.host / "app.db-shm",
            "state file": place.host / STATE_DIRECTORY / "state",
            "state directory": place.host / STATE_DIRECTORY,
            "replica directory": place.replica,
            "identity": place.replica / "walwrap/identity.json",
            "first image": place.replica / FIRST_IMAGE}[thing]


def _seeded(place, name):
    """A database that an app has left there, so that the first upload is an image of it."""
    with sqlite3.connect(place.make().db, isolation_level=None) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table notes(w, n, body)")
        db.executemany("insert into notes values(?, ?, randomblob(300))",
                       [(name, n) for n in range(1, SEEDS + 1)])
    db.close()
    give(place.root)
    return place


class History:
    """The places that cells are copied from: each as a stop leaves it, and as a loss of power does
    (with -wal and -shm)."""

    def __init__(self, run):
        self.run = run
        self.places = {}
        place = _seeded(Place(run.path("a")), "a")
        for stage, name in (("older", "a1"), ("base", "a2"), ("newer", "a3")):
            self._live(place, stage, name)
        self._live(_seeded(Place(run.path("f")), "f"), "foreign", "f1")

    def _live(self, place, stage, name):
        life = Life(self.run, place, name)
        must_start(life)
        life.tell("commit", rows=2)
        if life.wait(10) != 200:
            raise Failure("the first rows of %s are not stored" % name)
        life.tell("pin")
        for _ in range(3):  # an upload each, and none of them leaves the WAL
            life.tell("commit", rows=1)
            if life.wait(10) != 200:
                raise Failure("the rows of %s are not stored" % name)
        life.freeze(True)
        self.places[stage, "crash"] = place.copy_to(self.run.path("%s-crash" % stage))
        life.freeze(False)
        life.tell("close")
        life.tell_exit()
        life.walwrap.must_end(0)
        self.places[stage, "stop"] = place.copy_to(self.run.path("%s-stop" % stage))

    def source(self, thing, change):
        """The object as another stage has it."""
        how = "crash" if thing in ("-wal", "-shm") else "stop"
        return path_of(thing, self.places[change, how])


class NotApplicable(Exception):
    """There is nothing that could be changed so."""


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _replace_by(path, source):
    incoming = path.with_name("incoming")
    if source.is_dir():
        shutil.copytree(source, incoming)
        give(incoming)
        if path.exists():
            path.rename(path.with_name("was-" + path.name.lstrip(".")))
    else:
        shutil.copyfile(source, incoming)
        give(incoming)
    incoming.rename(path)


def _empty(path):
    incoming = path.with_name("incoming")
    if path.is_dir():
        incoming.mkdir()
        give(incoming)
        path.rename(path.with_name("was-" + path.name.lstrip(".")))
    else:
        incoming.touch()
        give(incoming)
    incoming.rename(path)


def _link(path, run):
    target = run.path("elsewhere-%s" % os.urandom(4).hex(), path.name)
    shutil.move(path, target)
    path.symlink_to(target)
    give(target.parent)
    give(path)


def _truncate(path):
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        for each in files[len(files) // 2:]:
            each.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2)


def change(run, history, place, thing, what):
    path = path_of(thing, place)
    is_new = what in ("older", "newer", "foreign", "empty")
    if not path.exists() and not (is_new and thing in FILES):
        raise NotApplicable
    if what == "removed":
        _remove(path)
    elif what in ("older", "newer", "foreign"):
        _replace_by(path, history.source(thing, what))
    elif what == "empty":
        _empty(path)
    elif what == "linked":
        _link(path, run)
    elif what == "truncated":
        _truncate(path)
    elif what == "permissions":
        path.chmod(0)


class Cell:
    """One object, changed at one moment: what walwrap does, and whether that is true."""

    def __init__(self, run, history, thing, what, moment):
        self.run, self.history, self.thing, self.what, self.moment = (run, history, thing, what,
                                                                      moment)
        how = "crash" if moment == "before the start" else "stop"
        label = "cell-%d" % MOMENTS.index(moment)
        self.place = history.places["base", how].copy_to(run.path(label))
        self.life = None
        self.view = STORED  # the rows that the app saw last
        self.promised = []  # those of them that a wait after the change has called stored
        self.failed = ""  # what SQLite told it, when it was done with it
        self.label = label

    def change(self):
        change(self.run, self.history, self.place, self.thing, self.what)

    def act(self):
        """The whole life."""
        if self.moment in ("before the start", "between two starts"):
            self.change()
        self.life = Life(self.run, self.place, "c%d" % MOMENTS.index(self.moment))
        if not self.life.started():
            self.life.walwrap.wait(15)
            return
        try:
            self._app()
        except AppFailed as error:
            self.failed = str(error)
        if self.moment == "before the verdict":
            self._between()
        else:
            self.life.tell_exit()
        self.life.walwrap.wait(20)

    def _commit(self):
        self.life.tell("commit", rows=1)
        is_stored = self.life.wait(WAIT_SECONDS) == 200
        self.view = self.life.rows()
        self.promised = self.view if is_stored else []

    def _app(self):
        self.life.tell("open")
        self._commit()
        if self.moment != "while running":
            return
        if self.thing in FILES:
            self.life.tell("close")
            log = path_of("-wal", self.place)
            wait_until(lambda: not log.exists() or log.stat().st_size == 0, 5,
                       "one file to be made of a database that the app has closed")
        self.change()
        if self.thing in FILES:
            self.life.tell("open")
        self._commit()

    def _between(self):
        """The replicator stands still, so that the app ends, and then the name is changed, before
        it looks for the last time."""
        self.life.signal_replicator(signal.SIGSTOP)
        self.life.tell("commit", rows=1)
        self.view = self.life.rows()
        self.life.tell_exit()
        wait_until(lambda: any("app ended" in line for line in self.life.walwrap.log_lines()), 10,
                   "the app's end")
        try:
            self.change()
        finally:
            self.life.signal_replicator(signal.SIGCONT)

    # What came of it.

    def answer(self):
        """The words of the table."""
        walwrap = self.life.walwrap
        messages = [fields.get("msg", "") for fields in walwrap.log()]
        status = walwrap.process.returncode
        if status == 125:
            return "125" if "start refused" in messages else "125 without a reason"
        words = ["restored"] if "database restored" in messages else []
        if self.failed:
            words.append("app fails")
        words.append("ok" if status == 0 else str(status))
        return ", ".join(words)

    def untrue(self):
        """What is wrong with it; "": nothing."""
        status = self.life.walwrap.process.returncode
        if status == 125:
            return ""
        flush = self.life.walwrap.summary()["flush"]
        if (flush == "ok") != (status == 0):
            return "flush=%s and exit status %d" % (flush, status)
        path = path_of(self.thing, self.place)
        if self.what == "permissions" and path.exists():
            path.chmod(0o755)
        stored, why = self._stored()
        if self.moment == "while running" and not set(self.promised) <= set(stored or []):
            return "a wait ended with 200, the app has %s, restored are %s" % (
                _short(self.promised), why or _short(stored))
        if flush != "ok":
            return ""
        here, why_not_here = _rows_of(self.run, self.place.db, self.label)
        # What is put over the database after the app's end is the database from then on.
        is_other = self.thing in FILES and self.moment == "before the verdict" and here is not None
        truth = here if is_other else self.view
        for what, rows, why in (("restored", stored, why), ("here", here, why_not_here)):
            if rows != truth:
                return "flush=ok, there should be %s, %s are %s" % (_short(truth), what,
                                                                why or _short(rows))
        if not self._is_edit() and not set(STORED) <= set(self.view):
            return "flush=ok, and rows that were stored before are gone: %s" % _short(self.view)
        return ""

    def _is_edit(self):
        """Whether what SQLite itself finds there is another database, or another state of it."""
        is_log = self.thing == "-wal" and self.moment == "between two starts"
        return self.thing == "database" or is_log

    def _stored(self):
        output = self.run.path(self.label + "-restored", "app.db")
        status, said = restore(self.run, self.place.replica, output)
        if status != 0:
            return None, "not restored (%d: %s)" % (status, said.strip().splitlines()[-1:])
        rows = _rows_of(self.run, output, self.label + "-theirs")
        checks.oracle(self.run, self.place.replica)
        return rows


def _rows_of(run, database, label):
    """The rows of a database that nobody has open, and why there are none."""
    try:
        with checks.Copy(run, database, label) as copy:
            intact = copy.one("pragma integrity_check")
            if intact != "ok":
                return None, "malformed: %s" % intact
            if "notes" not in copy.tables():
                return [], ""
            return copy.connection.execute("select w, n from notes order by w, n").fetchall(), ""
    except (OSError, sqlite3.Error) as error:
        return None, str(error)


def _short(rows):
    """a1:5 a2:5 c1:2"""
    if rows is None:
        return "nothing"
    counts = {}
    for name, _ in rows:
        counts[name] = counts.get(name, 0) + 1
    return " ".join("%s:%d" % item for item in sorted(counts.items())) or "no rows"
