"""The usual scene: one host directory, one replica directory, the writer as the app."""

import os
import shutil

from . import checks
from .harness import APPS, PYTHON, Failure, wait_until
from .walwrap import Walwrap


class Scene:
    """Paths of a case. The acknowledgements lie outside the host: they outlive its disk.

    The replica is a directory, unless another one is given (S3Replica).
    """

    def __init__(self, run, replica=None):
        self.run = run
        self.host = run.path("host", "x").parent
        self.db = self.host / "app.db"
        self.replica = replica or run.path("replica", "x").parent
        self.ack = run.path("ack")

    @property
    def socket(self):
        """Where its walwrap is asked."""
        return self.db.with_name(".%s-walwrap" % self.db.name) / "api.sock"

    def writer(self, *flags, ack=None):
        """The writer's command line."""
        return [PYTHON, str(APPS / "writer.py"), str(self.db), str(ack or self.ack),
                *map(str, flags)]

    def start(self, command, *flags, **more):
        return Walwrap(self.run, self.db, self.replica, command, *flags, **more)

    def acks(self):
        return checks.acknowledged(self.ack)

    def last_ack(self):
        """The newest acknowledgement's number, read from the end: the file may be long."""
        try:
            with open(self.ack, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 200))
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return 0
        return int(lines[-1].split()[1]) if lines else 0

    def wait_for_rows(self, count, seconds=15):
        """Until `count` more rows than now are acknowledged."""
        target = self.last_ack() + count
        wait_until(lambda: self.last_ack() >= target, seconds, "%d rows" % count)

    def app_starts(self):
        """Pids of the app's processes, in order: two of one run mean that it was restarted."""
        path = self.ack.with_name(self.ack.name + ".starts")
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def app_must_be_unharmed(self):
        errors = self.ack.with_name(self.ack.name + ".errors")
        if errors.exists():
            raise Failure("the app saw: %s" % errors.read_text().strip())

    def wipe(self):
        """The host's disk is gone."""
        shutil.rmtree(self.host)
        self.host.mkdir()

    def same(self, tables=None):
        """Everything acknowledged is in the replica, which restores to the live database."""
        self.app_must_be_unharmed()
        checks.same(self.run, self.db, self.replica, self.acks(), tables)

    def must_be_stored(self, walwrap, status=0):
        """Waits for the end, and then `same`."""
        walwrap.must_end(status)
        self.same()
