"""Cases of an integration test. Each prints `PASS name`, `FAIL name why` or `SKIP name why`.

A test file registers functions with @case and ends in `main()`. A case gets a `Case`: a directory
of its own, `must()` for what has to hold, and the certainty that every process it started is gone
when it ends. Cases that mostly wait may run side by side (`main(jobs=4)`).
"""

import argparse
import atexit
import concurrent.futures
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback

from . import procfs

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
APPS = ROOT / "integration" / "apps"


def _is_public(program):
    """Whether an unprivileged user can get at it: some cases run the app as nobody."""
    path = pathlib.Path(program).resolve()
    return path.exists() and all(parent.stat().st_mode & 0o001 for parent in path.parents)


PYTHON = next((program for program in (sys.executable, "/usr/bin/python3")
               if _is_public(program)), sys.executable)

_cases = []
_live = set()  # runs that are under way
_print_lock = threading.Lock()


class Failure(Exception):
    """What was expected did not happen."""


class Skip(Exception):
    """This machine cannot run the case; the text says why."""


def binary():
    """The walwrap to test: $WALWRAP_BIN, else what a preset built in this checkout."""
    given = os.environ.get("WALWRAP_BIN")
    candidates = [pathlib.Path(given)] if given else [
        ROOT / "build" / preset / "walwrap" for preset in ("dev", "release")]
    for path in candidates:
        if os.access(path, os.X_OK):
            return str(path.resolve())
    raise Failure("no walwrap at %s: cmake --preset dev && cmake --build --preset dev"
                  % ", ".join(map(str, candidates)))


def cache_dir():
    """Where what is expensive to make survives between runs, outside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = pathlib.Path(base) / "walwrap"
    path.mkdir(parents=True, exist_ok=True)
    return path


def wait_until(condition, seconds, what):
    """The first truthy answer of condition(); Failure when none came in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure("waited %g s for %s" % (seconds, what))
        time.sleep(0.01)


class Case:
    """One run of one case: its directory and its processes."""

    def __init__(self, name):
        self.name = name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="walwrap-it-"))
        self.dir.chmod(0o755)  # cases that run as nobody must get through
        self.notes = []

    def path(self, *parts):
        """A path below the case's directory, whose parents exist."""
        path = self.dir.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def environment(self, extra=None):
        """Ours without WALWRAP_* settings, marked so that every descendant can be found again."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("WALWRAP_")}
        env["IT_CASE"] = str(self.dir)
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        env.update(extra or {})
        return env

    def note(self, text):
        """A figure worth reading, printed after PASS."""
        self.notes.append(text)

    def must(self, condition, why):
        if not condition:
            raise Failure(why)

    def processes(self):
        return procfs.with_environment("IT_CASE=%s" % self.dir)

    def end(self, keep):
        for _ in range(50):
            left = self.processes()
            if not left:
                break
            for pid in left:
                procfs.send(pid, signal.SIGKILL)
            time.sleep(0.02)
        if not keep:
            for path in self.dir.rglob("*"):  # what a case made unreadable
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o700)
            shutil.rmtree(self.dir, ignore_errors=True)


def case(name):
    """Registers a function(case) under a name that is true of the product."""
    def register(function):
        _cases.append((name, function))
        return function
    return register


_skips_told = set()


def skip_once(text):
    """A part of a check that this machine cannot do; said once, however often it is met."""
    if text not in _skips_told:
        _skips_told.add(text)
        report("SKIP " + text)


def report(*lines):
    with _print_lock:
        for line in lines:
            print(line, flush=True)


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__


def _log_tails(directory):
    """The last lines of each log of a failed case, to read without --keep."""
    lines = []
    for path in sorted(directory.rglob("*.log")):
        lines.append("  -- %s" % path.relative_to(directory))
        text = path.read_text(errors="replace").splitlines()
        lines += ["  | " + line for line in text[-15:]]
    return lines


def _run(name, function, keep):
    run = Case(name)
    _live.add(run)
    started = time.monotonic()
    try:
        function(run)
        notes = "".join(" (%s)" % "; ".join(run.notes) if run.notes else "")
        report("PASS %s%s" % (name, notes))
        return True
    except Skip as skip:
        report("SKIP %s %s" % (name, _one_line(skip)))
        return True
    except Failure as failure:
        report("FAIL %s %s" % (name, _one_line(failure)), *_log_tails(run.dir))
    except Exception as error:  # a bug in the test is a failure of the test
        report("FAIL %s %s: %s" % (name, type(error).__name__, _one_line(error)),
               *traceback.format_exc().splitlines(), *_log_tails(run.dir))
    finally:
        run.end(keep)
        _live.discard(run)
        if os.environ.get("IT_TIMES"):
            report("     %.1f s %s" % (time.monotonic() - started, name))
    return False


_at_end = []


def at_end(function):
    """Registers what is called when the script ends, also when a signal ends it."""
    _at_end.append(function)
    atexit.register(function)


def _abandon(signal_number, _frame):
    """Told to end: not without the processes that the cases and their servers are."""
    for run in list(_live):
        run.end(keep=False)
    for function in reversed(_at_end):
        function()
    os._exit(128 + signal_number)


def main(jobs=1):
    """Runs every registered case, or those whose name contains a given word."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*", help="only cases whose name contains one of these")
    parser.add_argument("--keep", action="store_true", help="leave the cases' directories")
    parser.add_argument("--jobs", type=int, default=jobs, help="cases side by side")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    options = parser.parse_args()
    chosen = [c for c in _cases
              if not options.words or any(word in c[0] for word in options.words)]
    if options.list:
        print("\n".join(name for name, _ in chosen))
        sys.exit(0)
    for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signal_number, _abandon)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(_run, name, function, options.keep) for name, function in chosen]
        results = [future.result() for future in futures]
    sys.exit(0 if chosen and all(results) else 1)
