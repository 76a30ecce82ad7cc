"""A life of walwrap around apps/piped.py: each step is done when the next one is asked for."""

import http.client
import os
import select
import socket
import time

from .harness import APPS, PYTHON, Failure, wait_until

ANSWER_SECONDS = 20


class _Api(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def is_stored(api_socket, timeout_ms):
    """Whether walwrap says within this time that all that is committed is stored."""
    connection = _Api(api_socket, timeout_ms / 1000 + 5)
    try:
        connection.request("POST", "/v1/wait?timeout=%dms" % timeout_ms)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Life:
    """Started at once; `started` is false where walwrap ended without running the app.

    `acknowledged` are the rows that the app was told are committed, `errors` what it was told
    instead; `confirmed` are those of which walwrap said that they are stored. An app that `died`
    before its time is told nothing more.
    """

    def __init__(self, scene, *flags, nobody=False):
        self.scene = scene
        self.acknowledged, self.confirmed, self.errors, self.died = set(), set(), [], False
        number = len(list(scene.run.dir.glob("pipe-*.in"))) + 1
        paths = [scene.run.path("pipe-%d.%s" % (number, end)) for end in ("in", "out")]
        for path in paths:
            os.mkfifo(path)
            os.chmod(path, 0o666)
        self.commands, self.answers = (os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in paths)
        self.buffer = b""
        command = [PYTHON, "-I", "-S", APPS / "piped.py", scene.db, *paths]
        self.walwrap = scene.start(command, *flags, nobody=nobody)
        self.started = self._answer() == "started"

    def _answer(self):
        """The next line, or None when walwrap has ended without one."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while b"\n" not in self.buffer:
            ended = not self.walwrap.is_running()
            if select.select([self.answers], [], [], 0 if ended else 0.05)[0]:
                self.buffer += os.read(self.answers, 4096)
            elif ended:
                return None
            elif time.monotonic() > deadline:
                raise Failure("the app did not answer within %d s" % ANSWER_SECONDS)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def tell(self, command):
        """Gives a command and waits until it is done; the app's answer, or None."""
        if self.died:
            return None
        os.write(self.commands, command.encode() + b"\n")
        answer = self._answer()
        self.died = answer is None
        if answer != "ok":
            self.errors.append("%s: %s" % (command, answer))
        return answer

    def insert(self, *numbers):
        for number in numbers:
            if self.tell("insert %d" % number) == "ok":
                self.acknowledged.add(number)

    def is_stored(self, timeout_ms):
        said = self.started and is_stored(self.scene.socket, timeout_ms)
        if said:
            self.confirmed |= self.acknowledged
        return said

    def must_be_stored(self):
        if not self.is_stored(10000):
            raise Failure("what was committed was not stored within 10 s")

    def last_words(self, command="exit"):
        """The app ends, and init has noticed."""
        if self.died:
            return
        os.write(self.commands, command.encode() + b"\n")
        wait_until(lambda: not self.walwrap.is_running() or any(
            "app ended" in line for line in self.walwrap.log_lines()), ANSWER_SECONDS,
            "the app to end")

    def wait(self, seconds=40):
        """walwrap's exit status."""
        try:
            return self.walwrap.wait(seconds)
        finally:
            for descriptor in (self.commands, self.answers):
                os.close(descriptor)
