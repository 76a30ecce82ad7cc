"""An init and the two places it runs in: PID 1 of a new namespace, and a process among others.

An init is a command line that ends where the app's begins: "tini -s --". What the cases need
beyond that has another name in each of them, or none: see DIALECTS.
"""

import os
import shlex
import shutil
import signal
import subprocess

from lib import procfs
from lib.harness import Failure, Skip, wait_until

# Wish -> the words that follow it; {} is its value. A wish that is not here cannot be had.
DIALECTS = {
    "walwrap": {"group": ["--group"], "ok": ["--ok-codes", "{}"], "rewrite": ["--rewrite", "{}"],
                "deadline": ["--grace", "2s"]},
    "tini": {"group": ["-g"], "ok": ["-e", "{}"]},
    "dumb-init": {"group": [], "rewrite": ["-r", "{}"]},
    "catatonit": {"group": ["-g"]},
}


NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


class Unable(Exception):
    """This init has no such thing."""


class Init:
    """`words`: the command line, with "--" at its end."""

    def __init__(self, words, pid_1):
        self.words = list(words)
        self.pid_1 = pid_1
        self.name = os.path.basename(self.words[0])

    def argv(self, command, **wishes):
        known = DIALECTS.get(self.name, {})
        flags = []
        for wish, value in wishes.items():
            if wish not in known:
                raise Unable("%s has no %s" % (self.name, wish))
            values = value if isinstance(value, list) else [value]
            flags += [word.format(v) for v in values for word in known[wish]]
        return [self.words[0], *flags, *self.words[1:], *map(str, command)]

    def placed(self, argv):
        """The command line in the place where this init is to run."""
        return [*NAMESPACE, *argv] if self.pid_1 else argv

    def start_sleeper(self, run):
        """With an app that does nothing, once that does it."""
        ready = run.path("ready")
        app = self.start(run, ["sh", "-c", "touch %s; exec sleep 60" % ready])
        wait_until(ready.exists, 5, "the app")
        return app

    def start(self, run, command, wishes=None, terminal=None, **how):
        """Runs it around the command; `how` goes to Popen."""
        return Running(self, run, self.argv(command, **(wishes or {})), terminal, how)


class Running:
    """An init that runs: its pid here, whichever namespace it is in."""

    def __init__(self, init, run, argv, terminal, how):
        if terminal is not None:
            argv = ["setsid", "--ctty", *argv]
            how.update(stdin=terminal, stdout=terminal, stderr=terminal)
        if init.pid_1 and os.geteuid() != 0:
            raise Skip("a new pid namespace needs root")
        argv = init.placed(argv)
        how.setdefault("env", run.environment())
        how.setdefault("cwd", str(run.dir))
        for stream in ("stdin", "stdout", "stderr"):
            how.setdefault(stream, subprocess.DEVNULL)
        self.run = run
        self.init = init
        self.process = subprocess.Popen(argv, **how)

    @property
    def pid(self):
        """Of the init itself, once it runs."""
        if not self.init.pid_1:
            return self.process.pid
        return wait_until(self._below_unshare, 5, "PID 1 of the namespace")

    def _below_unshare(self):
        """The child of unshare, once it is no longer unshare itself."""
        for pid in procfs.children(self.process.pid):
            if procfs.name(pid) not in ("unshare", "setsid"):
                return pid
        if self.process.poll() is not None:
            raise Failure("it has ended: %d" % self.process.returncode)
        return None

    def send(self, number):
        os.kill(self.pid, number)

    def below(self):
        return procfs.descendants(self.pid)

    def wait(self, seconds=10):
        """The exit status as a shell would say it."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure("it did not end within %g s" % seconds) from None
        return 128 - status if status < 0 else status

    def must_end(self, expected, seconds=10):
        got = self.wait(seconds)
        expected = expected if isinstance(expected, (tuple, list)) else (expected,)
        self.run.must(got in expected, "status %s, expected %s"
                      % (got, " or ".join(map(str, expected))))

    def is_running(self):
        return self.process.poll() is None


class Probe:
    """An app that writes a line for each signal it gets. `ends_on`: with 0 on these."""

    SOURCE = """
import os, signal, sys, time
out = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
ends_on = [int(number) for number in sys.argv[2:]]
def got(number, frame):
    os.write(out, b"%d\\n" % number)
    if number in ends_on: os._exit(0)
for number in range(1, 65):
    if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
        signal.signal(number, got)
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
# Not through a file object: it refuses a handler that interrupts its own writing.
os.write(out, b"ready %d\\n" % os.getpid())
# Not pause(): a signal just before it is seen by the interpreter only with the next one.
while True: time.sleep(0.02)
"""

    def __init__(self, run, name="probe", ends_on=()):
        self.path = run.path(name)
        self.path.touch()
        self.command = [shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin"), "-S", "-E",
                        "-c", self.SOURCE, self.path, *map(int, ends_on)]

    def as_text(self):
        """The command as a shell reads it."""
        return shlex.join(map(str, self.command))

    def lines(self):
        return self.path.read_text().splitlines()

    def ready(self):
        wait_until(lambda: any(line.startswith("ready") for line in self.lines()), 10,
                   "the app to be ready")
        return self

    def heard(self):
        return [int(line) for line in self.lines() if line.isdigit()]

    def hears(self, number, seconds=5):
        wait_until(lambda: number in self.heard(), seconds,
                   "the app to hear %s" % signal_name(number))


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "SIGRTMIN+%d" % (number - signal.SIGRTMIN)


_specs = []


def spec(name, only=None):
    """Registers a case: function(run, init). `only`: "pid-1" or "not"."""
    def register(function):
        _specs.append((name, only, function))
        return function
    return register


def specs_for(pid_1):
    place = "pid-1" if pid_1 else "not"
    return [(name, function) for name, only, function in _specs if only in (None, place)]


def parse_init(text):
    """"tini -s --" or just "tini"."""
    words = shlex.split(text)
    path = shutil.which(words[0])
    if not path:
        raise Skip("%s is not installed" % words[0])
    return [path, *(words[1:] or ["--"])]
