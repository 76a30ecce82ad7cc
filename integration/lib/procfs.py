"""What /proc knows about other processes. Every function answers for processes that are gone."""

import os
import pathlib
import re

PROC = pathlib.Path("/proc")


def _read(pid, name):
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def pids():
    return [int(entry) for entry in os.listdir(PROC) if entry.isdigit()]


def status(pid):
    """/proc/<pid>/status as a dictionary of texts; empty when the process is gone."""
    lines = _read(pid, "status").decode(errors="replace").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def name(pid):
    return status(pid).get("Name", "")


def command_line(pid):
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace")


def is_alive(pid):
    """A zombie has ended: it holds no lock and writes nothing."""
    state = status(pid).get("State", "X")
    return state[0] not in "ZX"


def children(pid):
    """By parent pid, because the kernel's own list is not built everywhere."""
    return [other for other in pids() if status(other).get("PPid") == str(pid)]


def descendants(pid):
    """Everything below a process, parents first."""
    by_parent = {}
    for other in pids():
        by_parent.setdefault(status(other).get("PPid"), []).append(other)
    found, queue = [], [pid]
    while queue:
        below = by_parent.get(str(queue.pop(0)), [])
        found += below
        queue += below
    return found


def with_environment(setting):
    """Living processes started with NAME=value in their environment, ourselves excluded."""
    wanted = setting.encode()
    return [pid for pid in pids()
            if pid != os.getpid() and wanted in _read(pid, "environ").split(b"\0")
            and is_alive(pid)]


def send(pid, signal_number):
    try:
        os.kill(pid, signal_number)
        return True
    except ProcessLookupError:
        return False


def wake_ups(pid):
    """Voluntary context switches of all threads: each is a wait that came to its end."""
    total = 0
    try:
        threads = os.listdir(PROC / str(pid) / "task")
    except OSError:
        return 0
    for thread in threads:
        text = _read(pid, "task/%s/status" % thread)
        found = re.search(rb"(?m)^voluntary_ctxt_switches:\s*(\d+)", text)
        total += int(found.group(1)) if found else 0
    return total


def peak_rss_kib(pid):
    return int(status(pid).get("VmHWM", "0 kB").split()[0])


def rss_kib(pid):
    return int(status(pid).get("VmRSS", "0 kB").split()[0])


def private_kib(pid):
    """Memory of this process alone: (written, which it costs the host; clean pages of files that
    nobody else has mapped at the moment, which are the page cache's)."""
    text = _read(pid, "smaps_rollup").decode(errors="replace")
    written, clean = (int(re.search(r"^Private_%s:\s*(\d+)" % kind, text, re.M).group(1))
                      for kind in ("Dirty", "Clean"))
    return written, clean
