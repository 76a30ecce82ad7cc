"""What the cells of test_names.py are made of: places, each a host's directory and a replica.

A history of one lineage, made once: each life is stored and ends cleanly but one, which is killed.
A `live` place is a host's directory as it was while everything was stopped in the middle of a
life, so that it has a -wal and a -shm. Each database begins with a table that no row of these lives
touches again, so that the first image matters to its end.

    life 1     rows 1-5        first-live, first
    life 2     rows 6-10       second
               rows 11-12      unsupervised: the app alone, killed
    life 3     rows 11-13      and 14-16, which are not stored; killed: crash
    life 4     rows 17-20      last-live, last
    another    rows 1001-1005  foreign-live, foreign
    images     of other first images: few (rows 1-2), many (rows 1-20)
"""

import os
import shutil
import signal
import sqlite3

from . import procfs
from .harness import Case
from .piped import Life
from .scene import Scene

STORED_BEFORE_CRASH = frozenset(range(1, 14))


def copy_place(source, target):
    """Host and replica as they are, without sockets; times stay, inodes do not."""
    for part in ("host", "replica"):
        if (source / part).exists():
            shutil.rmtree(target / part, ignore_errors=True)
            shutil.copytree(source / part, target / part, symlinks=True,
                            ignore=shutil.ignore_patterns("*.sock"))


def fill(connection, count):
    connection.executemany("replace into ballast values (?, randomblob(1500))",
                           [(number,) for number in range(count)])


class Stock:
    def __init__(self):
        self.run = Case("stock")
        self.dir = self.run.path("places", "x").parent
        self._history()
        self._foreign()
        self._images()

    def place(self, name):
        return self.dir / name

    def end(self):
        self.run.end(keep=False)

    def _keep(self, scene, name):
        copy_place(scene.host.parent, self.place(name))

    def _scene(self, label):
        run = Case("stock %s" % label)
        run.dir.rmdir()
        run.dir = self.run.path(label, "x").parent  # removed with the stock
        return Scene(run)

    def _life(self, scene, rows, name):
        """One clean life; kept as `name`, and as `name`-live in its middle."""
        life = Life(scene)
        life.tell("open")
        life.tell("hold")  # the -wal of -live has every page that this life has written
        for row in rows:
            life.insert(row)
            life.must_be_stored()  # an upload of its own for each
        pids = [life.walwrap.pid, *procfs.descendants(life.walwrap.pid)]
        for pid in pids:
            procfs.send(pid, signal.SIGSTOP)
        self._keep(scene, name + "-live")
        for pid in pids:
            procfs.send(pid, signal.SIGCONT)
        life.last_words()
        scene.run.must(life.wait() == 0 and not life.errors, "life %s: %s" % (name, life.errors))
        self._keep(scene, name)

    def _begin(self, label, ballast=8):
        """A host whose app has run once without walwrap."""
        scene = self._scene(label)
        connection = sqlite3.connect(scene.db, isolation_level=None)
        connection.execute("create table ballast(n integer primary key, body blob)")
        fill(connection, ballast)
        connection.close()
        return scene

    def _history(self):
        scene = self._begin("history")
        self._life(scene, range(1, 6), "first")
        self._life(scene, range(6, 11), "second")
        self._unsupervised()
        life = Life(scene)
        life.insert(11, 12, 13)
        life.must_be_stored()
        procfs.send(life.walwrap.wait_for_replicator(), signal.SIGSTOP)
        life.insert(14, 15, 16)
        life.walwrap.kill_everything(sorted)
        life.wait()
        self._keep(scene, "crash")
        self._life(scene, range(17, 21), "last")

    def _unsupervised(self):
        """The app has run without walwrap after the second life, and was killed."""
        copy_place(self.place("second"), self.place("unsupervised"))
        database = self.place("unsupervised") / "host" / "app.db"
        pid = os.fork()
        if pid == 0:
            connection = sqlite3.connect(database, isolation_level=None)
            for row in (11, 12):
                connection.execute("insert into notes values (0, ?, randomblob(1500))", (row,))
            os._exit(0)  # its connection is open
        os.waitpid(pid, 0)

    def _foreign(self):
        # Other pages than in the history: laid over that, its -wal makes no whole database.
        self._life(self._begin("foreign", ballast=3), range(1001, 1006), "foreign")

    def _images(self):
        few = self._begin("few")
        self._life(few, (1, 2), "few")
        shutil.rmtree(few.replica)
        few.replica.mkdir()
        shutil.rmtree(few.host / ".app.db-walwrap")
        self._life(few, (), "few")
        many = self._scene("many")
        shutil.copyfile(self.place("last") / "host" / "app.db", many.db)
        connection = sqlite3.connect(many.db, isolation_level=None)
        fill(connection, 8)
        connection.close()
        self._life(many, (), "many")
