"""One run of walwrap around an app: started, signalled, waited for, its log read."""

import os
import re
import shutil
import signal
import subprocess

from . import procfs
from .harness import PYTHON, Failure, Skip, binary, wait_until

REPLICATOR = "walwrap-repl"  # what ps shows
_PAIR = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)')


def parse_logfmt(line):
    """One line of the log as a dictionary; quoted values without their quotes."""
    fields = {}
    for key, value in _PAIR.findall(line):
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        fields[key] = value
    return fields


def as_nobody(command):
    """The command as an unprivileged user, if we are root."""
    if os.geteuid() != 0:
        return command
    if not shutil.which("setpriv"):
        raise Skip("running as root, and setpriv is not installed")
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for program in (command[0], PYTHON):
        if subprocess.run([*as_user, "test", "-x", program]).returncode != 0:
            raise Skip("an unprivileged user cannot reach %s" % program)
    return [*as_user, *command]


def url_of(replica):
    """What --replica is given: a replica that knows its URL, or a directory."""
    return getattr(replica, "url", None) or "file://%s" % replica


def environment_of(replica, extra=None):
    """What the user's environment holds for it: credentials, where they are needed."""
    return {**getattr(replica, "environment", {}), **(extra or {})}


class Walwrap:
    """The process. `command` is the app; flags go before `--`. `shell`: run in its shell before."""

    def __init__(self, run, db, replica, command, *flags, env=None, nobody=False,
                 shell=None):
        self.run = run
        self.number = len(list(run.dir.glob("walwrap-*.log"))) + 1
        self.log_path = run.path("walwrap-%d.log" % self.number)
        argv = [binary(), "--db", str(db), "--replica", url_of(replica),
                *map(str, flags), "--", *map(str, command)]
        if nobody:
            argv = as_nobody(argv)
        if shell:
            argv = ["sh", "-c", shell + '; exec "$0" "$@"', *argv]
        output_path = run.path("app-%d.out" % self.number)
        with open(self.log_path, "wb") as log, open(output_path, "wb") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                                            env=run.environment(environment_of(replica, env)),
                                            cwd=str(run.dir))
        self.pid = self.process.pid

    def stop(self, seconds=20):
        """TERM, then the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=30):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure("walwrap did not end within %g s" % seconds) from None

    def is_running(self):
        return self.process.poll() is None

    def replicator(self):
        """Its pid, or None while it is being restarted."""
        for pid in procfs.children(self.pid):
            if procfs.name(pid) == REPLICATOR and procfs.is_alive(pid):
                return pid
        return None

    def wait_for_replicator(self, seconds=10):
        return wait_until(self.replicator, seconds, "a child named %s" % REPLICATOR)

    def kill_everything(self, order):
        """kill -9 of the whole tree, as when the plug is pulled; `order` sorts the pids."""
        victims = [self.pid, *procfs.descendants(self.pid)]
        for pid in victims:  # stopped first, so that nobody acts on another's death
            procfs.send(pid, signal.SIGSTOP)
        for pid in order(victims):
            procfs.send(pid, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not self.run.processes(), 10, "every process to be gone")

    def log_lines(self):
        return self.log_path.read_text(errors="replace").splitlines()

    def log(self):
        return [fields for fields in map(parse_logfmt, self.log_lines()) if "level" in fields]

    def errors(self):
        return [fields for fields in self.log() if fields["level"] == "error"]

    def summary(self):
        """The fields of the last line: flush, txid, lag_bytes, total_ms, left_ms."""
        for fields in reversed(self.log()):
            if "flush" in fields:
                return fields
        raise Failure("no line with flush= in the log")

    def must_end(self, status, flush="ok", seconds=30):
        """Waits, and checks the exit status and what the last line says about the flush."""
        got = self.wait(seconds)
        self.run.must(got == status, "exit status %s, expected %s" % (got, status))
        if flush is not None:
            summary = self.summary()
            self.run.must(summary["flush"] == flush,
                          "flush=%s, expected %s" % (summary["flush"], flush))


def restore(run, replica, output, *flags, nobody=False):
    """`walwrap restore`; returns its exit status and what it said."""
    command = [binary(), "restore", "--replica", url_of(replica), "--output", str(output), *flags]
    done = subprocess.run(as_nobody(command) if nobody else command,
                          env=run.environment(environment_of(replica)), capture_output=True,
                          text=True, timeout=120)
    return done.returncode, done.stderr
