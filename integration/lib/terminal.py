"""A terminal whose other side is a test."""

import os
import select
import time

from .harness import Failure


class Screen:
    """The other side of a terminal: types, and reads what appears."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        self.shown = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def shows(self, text, seconds=5):
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure("waited for %r, saw %r" % (text, self.shown[-300:]))
            if not select.select([self.master], [], [], left)[0]:
                continue
            try:
                self.shown += os.read(self.master, 4096).decode(errors="replace")
            except OSError:
                raise Failure("the terminal is gone, saw %r" % self.shown[-300:]) from None
        self.shown = self.shown.split(text, 1)[1]

    def read_now(self):
        """What has appeared since."""
        while select.select([self.master], [], [], 0.1)[0]:
            self.shown += os.read(self.master, 4096).decode(errors="replace")

    def close(self):
        for descriptor in (self.master, self.slave):
            try:
                os.close(descriptor)
            except OSError:
                pass
