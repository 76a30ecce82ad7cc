"""A host directory, a replica directory, and an app that is told each step (apps/piped.py)."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket

from . import procfs
from .harness import APPS, PYTHON, Failure, wait_until
from .walwrap import Walwrap

NOBODY = 65534


def give(path):
    """To the unprivileged user as whom everything runs if we are root."""
    if os.geteuid() != 0:
        return
    for each in [path, *(path.rglob("*") if path.is_dir() else [])]:
        os.chown(each, NOBODY, NOBODY, follow_symlinks=False)


class AppFailed(Exception):
    """SQLite told the app so."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Life:
    """One walwrap with its app, from start() to end()."""

    FLAGS = ("--start-timeout", "1s", "--exit-flush-timeout", "2s", "-v")

    def __init__(self, run, place, name):
        self.run, self.place = run, place
        self.api = run.path("api-%s.sock" % name)
        address = run.path("app-%s.sock" % name)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(address))
        self.listener.listen()
        self.listener.settimeout(0.02)
        give(address)
        self.talk = None
        self.walwrap = Walwrap(run, place.db, place.replica,
                               [PYTHON, "-S", "-E", str(APPS / "piped.py"), str(place.db),
                                str(address), name],
                               "--socket", str(self.api), *self.FLAGS, nobody=True)

    def started(self, seconds=15):
        """Whether the app runs; False: walwrap has ended without it."""
        def look():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                return None if self.walwrap.is_running() else "ended"
            connection.settimeout(15)
            self.talk = connection.makefile("rw")
            return "runs"
        answer = wait_until(look, seconds, "the app's start")
        self.listener.close()
        return answer == "runs"

    def tell(self, do, **more):
        self.talk.write(json.dumps({"do": do, **more}) + "\n")
        self.talk.flush()
        answer = json.loads(self.talk.readline() or '{"error": "the app has gone"}')
        if "error" in answer:
            raise AppFailed("%s: %s" % (do, answer["error"]))
        return answer

    def rows(self):
        return [tuple(row) for row in self.tell("rows")["rows"]]

    def wait(self, seconds):
        """The status of a wait for everything committed by now; None: nobody answers."""
        connection = _UnixConnection(self.api, seconds + 5)
        try:
            connection.request("POST", "/v1/wait?timeout=%gs" % seconds)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def tell_exit(self, status=0):
        self.talk.write(json.dumps({"do": "exit", "status": status}) + "\n")
        self.talk.flush()

    def app_pid(self):
        return next(pid for pid in procfs.descendants(self.walwrap.pid)
                    if "piped.py" in procfs.command_line(pid))

    def signal_replicator(self, number):
        pid = self.walwrap.replicator()
        if pid:
            procfs.send(pid, number)

    def freeze(self, is_frozen):
        """All of it, so that its files can be copied as of one moment."""
        for pid in [self.walwrap.pid, *procfs.descendants(self.walwrap.pid)]:
            procfs.send(pid, signal.SIGSTOP if is_frozen else signal.SIGCONT)


class Place:
    """One host's disk and one replica, below a directory."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.host, self.replica = self.root / "host", self.root / "replica"
        self.db = self.host / "app.db"

    def make(self):
        self.host.mkdir(parents=True)
        self.replica.mkdir()
        give(self.root)
        return self

    def copy_to(self, root):
        shutil.copytree(self.root, root, symlinks=True)
        copy = Place(root)
        give(copy.root)
        return copy


def must_start(life):
    if not life.started():
        raise Failure("walwrap has not started the app")
    life.tell("open")
