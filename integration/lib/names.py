"""Objects, what becomes of their names, and the moments at which it does: the cells of
test_names.py.

No moment is a matter of luck. Each step waits for the one before it; what has to lie between the
app's end and the verdict is done while the replicator is stopped (SIGSTOP), and it goes on later.
"""

import os
import shutil
import signal
import time

from . import procfs
from .harness import Skip, wait_until
from .names_stock import STORED_BEFORE_CRASH, copy_place
from .names_verdict import IN_REPLICA, LOCAL, Ending, look, look_at_replica
from .piped import Life
from .scene import Scene

STATE_DIRECTORY = ".app.db-walwrap"
# Object -> where it is in a place, and which places have another one of it.
OBJECTS = {
    "database": ("host/app.db", ""),
    "database directory": ("host", ""),
    "-wal": ("host/app.db-wal", "-live"),
    "-shm": ("host/app.db-shm", "-live"),
    "state file": ("host/%s/state" % STATE_DIRECTORY, ""),
    "state directory": ("host/%s" % STATE_DIRECTORY, ""),
    "replica directory": ("replica", ""),
    "identity": ("replica/walwrap/identity.json", ""),
    "newest slot": (None, ""),
    "first image": (None, ""),
}
DIRECTORIES = ("database directory", "state directory", "replica directory")
CHANGES = ("removed", "older", "newer", "foreign", "empty", "linked", "truncated", "permissions")
# `closed`, for LOCAL alone: the app has closed the database, and opens it again.
MOMENTS = ("before", "running", "end", "crash", "closed")
SOURCES = {"older": "first", "newer": "last", "foreign": "foreign"}
FIRST_IMAGES = {"older": "few", "newer": "many", "foreign": "foreign"}
# LOCAL while the app runs is played in several ways. `seen`: all that is in the WAL is in the
# database file, too, and walwrap has time to see the change before the app goes on. `unseen`: the
# newest commit is in the WAL alone, and walwrap looks when the app has gone on. `held`: what is
# stored is in the WAL alone, and walwrap has time.
SEEN, UNSEEN, HELD = "seen", "unseen", "held"
FLAGS = ("--start-timeout", "1s", "--exit-flush-timeout", "3s")


def cells():
    """Every (object, change, moment)."""
    return [(what, change, moment) for what in OBJECTS for change in CHANGES
            for moment in MOMENTS if moment != "closed" or what in LOCAL]


def plays(what, moment):
    """The ways in which a cell is played."""
    if what not in LOCAL:
        return (SEEN,)
    return {"running": (SEEN, UNSEEN, HELD), "closed": (SEEN, UNSEEN)}.get(moment, (SEEN,))


def wait_at_most(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def slots(place):
    """The level-0 files of a replica, oldest first."""
    return sorted((place / "replica" / "ltx" / "0").glob("*.ltx"))


class Cell:
    """One change at one moment, in a place of its own."""

    def __init__(self, run, stock, key, play):
        self.run, self.stock, self.play_as = run, stock, play
        self.what, self.change, self.moment = key
        self.scene = Scene(run)
        self.nobody = self.change == "permissions"
        self.undo = []

    def _prepare(self, name):
        copy_place(self.stock.place(name), self.run.dir)
        if self.nobody and os.geteuid() == 0:
            os.chown(self.run.dir, 65534, 65534)
            for path in self.run.dir.rglob("*"):
                os.chown(path, 65534, 65534, follow_symlinks=False)

    def _life(self):
        return Life(self.scene, *FLAGS, nobody=self.nobody)

    # The change.

    def _target(self):
        path = OBJECTS[self.what][0]
        if path:
            return self.run.dir / path
        files = slots(self.run.dir)
        return files[-1] if self.what == "newest slot" else files[0]

    def _source(self):
        """What is put in its place."""
        path, suffix = OBJECTS[self.what]
        if path:
            return self.stock.place(SOURCES[self.change] + suffix) / path
        if self.what == "first image":
            return slots(self.stock.place(FIRST_IMAGES[self.change]))[0]
        if self.change == "older":
            return slots(self.run.dir)[-2]
        return slots(self.stock.place(SOURCES[self.change]))[-1]

    def _look_at_the_file(self):
        """The database file alone, without the -wal that lies beside it."""
        alone = self.run.path("alone", "app.db")
        alone.unlink(missing_ok=True)
        if self.scene.db.is_file():
            shutil.copyfile(self.scene.db, alone)
        return look(self.run, alone, "put")

    def _wait_for_checkpoint(self):
        """Until all that is stored is in the database file, too: it may still be in the WAL."""
        wait_until(lambda: {101, 102} <= self._look_at_the_file().rows, 10,
                   "the commits to be in the database file")

    def make_change(self):
        """The change alone, and what is at the path before and after it."""
        self.was = look(self.run, self.scene.db, "before")
        self.txid = slots(self.run.dir)[-1].name[17:33]
        self._change()
        if self.change == "permissions":  # we may not look either, and nothing else has changed
            self.put = self.found = self.was
            return
        self.put = self._look_at_the_file()
        self.found = look(self.run, self.scene.db, "changed")

    def _change(self):
        target = self._target()
        if self.change in SOURCES:
            self._replace(target, self._source())
        elif self.change == "empty":
            self._replace(target, None)
        elif not target.exists():
            self.run.note("there was none")
        elif self.change == "removed":
            os.rename(target, self.run.path("gone", target.name))
        elif self.change == "linked":
            moved = self.run.path("elsewhere", target.name)
            os.rename(target, moved)
            os.symlink(moved, target)
        elif self.change == "truncated":
            self._cut(target)
        else:
            mode = target.stat().st_mode & 0o7777
            self.undo.append((target.stat().st_ino, target, mode))
            os.chmod(target, 0)

    def _replace(self, target, source):
        """By rename, as an upload, a backup tool or a mount does it: never half of it is there."""
        fresh = self.run.path("fresh", target.name)
        if self.what in DIRECTORIES:
            if source:
                shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("*.sock"))
            else:
                fresh.mkdir()
            if target.exists():
                os.rename(target, self.run.path("gone", target.name))
        elif source:
            shutil.copy2(source, fresh)
        else:
            fresh.touch()
        os.rename(fresh, target)

    def _cut(self, target):
        """A file to half its length; of a directory, the newer half of its files are gone."""
        if target.is_file():
            os.truncate(target, target.stat().st_size // 2)
        elif self.what == "replica directory":
            files = slots(self.run.dir)
            for path in files[len(files) // 2:]:
                path.unlink()
        elif self.what == "database directory":
            files = sorted(target.iterdir())
            for path in files[len(files) // 2:]:
                path.unlink()
        else:
            (target / "pages").unlink(missing_ok=True)

    def _undo_permissions(self):
        for inode, path, mode in self.undo:
            if path.exists() and path.stat().st_ino == inode:
                os.chmod(path, mode)

    # The moments. Each returns the life that is judged, and the rows that were stored before.

    def _start_over(self):
        """The first start over what was changed."""
        self.make_change()
        life = self._life()
        if life.started:
            life.insert(101)
            life.is_stored(1000)
            life.insert(102)
            life.last_words()
        return life

    def before(self):
        self._prepare("unsupervised" if self.what in ("-wal", "-shm") else "second")
        return self._start_over(), frozenset(range(1, 11))

    def crash(self):
        self._prepare("crash")
        return self._start_over(), STORED_BEFORE_CRASH

    def _begin(self):
        """A life over the second place that has stored two rows more."""
        self._prepare("second")
        life = self._life()
        self.run.must(life.started, "the app did not start")
        if self.play_as == HELD:
            life.tell("hold")
        life.insert(101, 102)
        life.must_be_stored()
        return life, frozenset([*range(1, 11), 101, 102])

    def _change_and_go_on(self, life):
        """The change, two more rows, and the app ends."""
        if self.play_as == UNSEEN:
            replicator = life.walwrap.wait_for_replicator()
            procfs.send(replicator, signal.SIGSTOP)
            if self.moment == "running":
                life.insert(103)  # is in the WAL alone
            self.make_change()
            life.insert(104)
            procfs.send(replicator, signal.SIGCONT)
        else:
            if self.play_as == SEEN:
                self._wait_for_checkpoint()
            lines = len(life.walwrap.log_lines())
            self.make_change()
            if self.what in LOCAL:  # it may have nothing to say
                wait_at_most(lambda: len(life.walwrap.log_lines()) > lines, 0.5)
            life.insert(103)
            if self.play_as == HELD:
                life.tell("release")
        life.is_stored(1000)  # walwrap has had its turn, whatever it makes of it
        life.insert(105)
        life.last_words()

    def running(self):
        life, stored = self._begin()
        self._change_and_go_on(life)
        return life, stored

    def closed(self):
        life, stored = self._begin()
        life.tell("close")
        wal = self.scene.db.with_name("app.db-wal")
        wait_until(lambda: not wal.exists() or wal.stat().st_size == 0, 10, "the WAL to be cut")
        self._change_and_go_on(life)
        return life, stored

    def end(self):
        life, stored = self._begin()
        self._wait_for_checkpoint()
        replicator = life.walwrap.wait_for_replicator()
        procfs.send(replicator, signal.SIGSTOP)
        life.insert(103)
        life.last_words()
        self.make_change()
        procfs.send(replicator, signal.SIGCONT)
        return life, stored

    def _look_at_the_end(self, flush):
        """The newest state of the replica, what is at the path, and the earlier state.

        What is called ok can be restored by the user who ran walwrap, with the rights that are.
        """
        as_user = self.nobody and self.what in IN_REPLICA and flush == "ok"
        if as_user:
            restored = look_at_replica(self.run, self.scene.replica, nobody=True)
        self._undo_permissions()
        path = look(self.run, self.scene.db, "path")
        if not as_user:
            restored = look_at_replica(self.run, self.scene.replica)
        if restored.state == "ok":
            return restored, path, restored
        return restored, path, look_at_replica(self.run, self.scene.replica, "--txid", self.txid)

    def play(self):
        """Everything, and what can be said about it in the end."""
        if self.nobody and os.geteuid() == 0 and not shutil.which("setpriv"):
            raise Skip("running as root, and setpriv is not installed")
        life, stored = getattr(self, self.moment)()
        status = life.wait()
        self.life = life
        summary = next((line for line in reversed(life.walwrap.log()) if "flush" in line), {})
        restored, path, earlier = self._look_at_the_end(summary.get("flush"))
        return Ending(
            what=self.what, change=self.change, moment=self.moment, status=status,
            flush=summary.get("flush"), app_ran=life.started, was=self.was, found=self.found,
            put=self.put,
            path=path, restored=restored, earlier=earlier, died=life.died,
            acknowledged=frozenset(life.acknowledged), stored=stored,
            confirmed=frozenset(life.confirmed),
            said=[line.get("msg", "") for line in life.walwrap.log()])
