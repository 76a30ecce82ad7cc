"""Whether what a run of walwrap ended in is allowed, whatever a name has come to mean meanwhile.

The rule of all cells, in `judge`: `flush=ok` and exit status 0 only if an independent restore is
whole, equals what is at the path, and has every row that the app was told is committed. A failed
flush (74), a refusal before the app ran (125) and `flush=nothing` are honest answers, as long as
nothing that was stored before is gone from the replica.
"""

import dataclasses
import sqlite3
import typing

from . import checks
from .walwrap import restore

IN_REPLICA = ("replica directory", "identity", "newest slot", "first image")
LOCAL = ("database", "database directory", "-wal", "-shm")  # what is at the path, and around it
MEANT = ("removed", "older", "newer", "foreign", "empty", "truncated")


@dataclasses.dataclass(frozen=True)
class Content:
    """Of a database: `state` is `absent`, `ok` or what is wrong with it."""

    state: str
    rows: frozenset = frozenset()
    digest: str = ""
    is_empty: bool = False  # a file of no bytes is a database without tables

    def __str__(self):
        return "%s, %s" % (self.state, ranges(self.rows))


def ranges(rows):
    """Row numbers in a few characters: 1-10 101 102."""
    words, numbers = [], sorted(rows)
    while numbers:
        first = last = numbers.pop(0)
        while numbers and numbers[0] == last + 1:
            last = numbers.pop(0)
        words.append("%d" % first if first == last else "%d-%d" % (first, last))
    return "rows " + " ".join(words) if words else "no rows"


@dataclasses.dataclass(frozen=True)
class Ending:
    what: str
    change: str
    moment: str
    status: int
    flush: typing.Optional[str]
    app_ran: bool
    was: Content       # at the path, before the change
    found: Content     # right after it
    put: Content       # what was put there, by itself: the -wal beside it may be of another file
    path: Content      # in the end
    restored: Content  # from the replica, in the end
    acknowledged: frozenset
    confirmed: frozenset  # those of which walwrap said, while it ran, that they are stored
    stored: frozenset  # the rows of which it was known before the change that they are stored
    said: list
    died: bool         # the app, of a signal, as it would without walwrap
    earlier: Content   # from the replica, by the TXID of `stored`, where the newest is not whole

    def __str__(self):
        return "exit %s flush=%s | at the path: %s | restored: %s | acknowledged: %s | was: %s " \
            "| called stored: %s | changed to: %s" % (
                self.status, self.flush, self.path, self.restored, ranges(self.acknowledged),
                self.was, ranges(self.confirmed), self.found)


def look(run, database, label):
    """What an app would find at the path: the file that it leads to, with the WAL beside that."""
    database = database.resolve()
    if not database.exists():
        return Content("absent")
    is_empty = database.stat().st_size == 0
    try:
        with checks.Copy(run, database, label) as copy:
            copy.connection.execute("pragma synchronous=off")
            state = copy.one("pragma integrity_check")
            rows = frozenset(number for _, number in copy.rows())
            return Content(state, rows, copy.digest(), is_empty)
    except sqlite3.Error as error:
        return Content(str(error), is_empty=is_empty)


def look_at_replica(run, replica, *flags, nobody=False):
    """What `walwrap restore` makes of it, as a reader who knows nothing else."""
    output = run.path("restored", "restored.db")
    output.unlink(missing_ok=True)
    if nobody:
        output.parent.chmod(0o777)
    status, said = restore(run, replica, output, *flags, nobody=nobody)
    if status != 0:
        return Content("restore exits %d: %s" % (status, said.strip()[-200:]))
    return look(run, output, "restored")


def _is_meant(ending):
    """The user has put other contents at the path, and they count: not what was committed before
    that, and not what the app goes on to write into the file that was there."""
    if ending.what.startswith("database"):
        return ending.change in MEANT
    return (ending.what == "-wal" and ending.moment != "crash" and ending.change in MEANT
            and (ending.change != "removed" or ending.moment == "before"))


def _known(rows):
    """Without those that the cell's own run has written."""
    return frozenset(row for row in rows if not 100 < row < 1000)


def _judge_ok(ending):
    path, restored = ending.path, ending.restored
    if ending.status != 0 and not ending.died:
        return "flush=ok with another status than the app's"
    if restored.state != "ok":
        return "flush=ok, but the replica is not restored: %s" % restored.state
    if path.state != "ok":
        return "flush=ok, but what is at the path is not whole: %s" % path.state
    if path.digest != restored.digest:
        return "flush=ok, but the replica restores to something else"
    if ending.what.startswith("database") and _is_meant(ending):
        whole = {_known(rows) for rows in (ending.was.rows, ending.stored, ending.put.rows)}
        if _known(path.rows) not in whole:
            return "flush=ok, but the database is a mixture of two"
        return None
    if _is_meant(ending):
        return None
    lost = ending.acknowledged - restored.rows
    if lost:
        return "flush=ok, but acknowledged %s are lost" % ranges(lost)
    lost = ending.stored - restored.rows
    return "flush=ok, but %s, which were stored, are lost" % ranges(lost) if lost else None


def _judge_stored(ending):
    """What was stored before is still there, unless the replica itself was hit."""
    if ending.what in IN_REPLICA:
        return None
    path, restored = ending.path, ending.restored
    if restored.state == "ok" and (ending.stored <= restored.rows or (
            path.state == "ok" and path.digest == restored.digest)):
        return None
    # What the app itself would find is damaged. It is stored as it is, and called failed.
    if path.state != "ok" and ending.earlier.state == "ok" and (
            ending.stored <= ending.earlier.rows):
        return None
    return "what was stored before is gone from the replica"


def judge(ending):
    """None where this ending is allowed, else what is wrong with it."""
    if ending.flush == "ok":
        return _judge_ok(ending)
    if ending.status == 125:
        if ending.app_ran:
            return "refused, but the app ran"
        if ending.path != ending.found:
            return "refused, but the database is another one now"
    elif ending.flush == "nothing":
        if ending.path.state != "absent" and not ending.path.is_empty:
            return "flush=nothing, but there is a database at the path"
    elif (ending.status != 74 and not ending.died) or ending.flush not in ("failed", "partial"):
        return "exit status %s with flush=%s" % (ending.status, ending.flush)
    lost = ending.confirmed - (ending.restored if ending.restored.rows else ending.earlier).rows
    if lost and not _is_meant(ending) and ending.what not in IN_REPLICA:
        return "%s, which were called stored, are lost" % ranges(lost)
    if ending.what not in LOCAL and ending.app_ran:
        lost = ending.acknowledged - ending.path.rows
        if lost:
            return "acknowledged %s are lost at the path" % ranges(lost)
    return _judge_stored(ending)


# What an ending is called in the table, by what walwrap said on the way to it.
WORDS = (
    ("file set aside", "set aside"),
    ("database restored", "restored"),
    ("files are missing in the replica", "healed"),
    ("identity of the replica is missing", "healed"),
    ("replica has lost uploads", "healed"),
)


def answer(ending):
    if ending.flush != "ok":
        return {125: "refused", 74: "failed"}.get(ending.status, str(ending.flush))
    for said, word in WORDS:
        if any(line.startswith(said) for line in ending.said):
            return word
    return "stored"
