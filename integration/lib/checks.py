"""What must hold once walwrap has ended: the replica restores to exactly the live database.

A database is always looked at through a copy, so that looking neither checkpoints nor removes a
WAL that the next step of a test needs.
"""

import functools
import hashlib
import importlib.util
import os
import shutil
import sqlite3
import sys
import threading

from . import walwrap
from .harness import ROOT, Failure, skip_once

ORACLE = ROOT.parent / "shared" / "tools" / "ltx.py"
WRITER_TABLES = ["notes"]
_oracle_lock = threading.Lock()


def acknowledged(path):
    """What the app was told is committed: (writer, number, monotonic time), oldest first.

    A last line without its newline was being written when the app was killed; it is not counted.
    """
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [(int(w), int(n), float(at)) for w, n, at in (line.split() for line in lines)]


class Copy:
    """A copy of a database (and of its WAL, if any), opened for reading in a scratch directory."""

    def __init__(self, run, database, label):
        self.path = run.path("looked-at", label, "db")
        shutil.rmtree(self.path.parent)
        self.path.parent.mkdir()
        for suffix in ("", "-wal"):
            if os.path.exists(str(database) + suffix):
                shutil.copyfile(str(database) + suffix, str(self.path) + suffix)
        self.connection = sqlite3.connect(self.path, isolation_level=None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        shutil.rmtree(self.path.parent)

    def one(self, sql):
        row = self.connection.execute(sql).fetchone()
        return row[0] if row else None

    def tables(self):
        rows = self.connection.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        return sorted(name for name, in rows)

    def digest(self):
        """Of the schema, the settings an app can see, and every row of every table."""
        whole = hashlib.sha256()
        for pragma in ("page_size", "user_version", "application_id", "auto_vacuum", "encoding"):
            whole.update(repr((pragma, self.one("pragma %s" % pragma))).encode())
        schema = self.connection.execute(
            "select type, name, sql from sqlite_master order by type, name").fetchall()
        whole.update(repr(schema).encode())
        for table in self.tables():
            for row in self.connection.execute('select * from "%s"' % table):
                for value in row:
                    whole.update(value if isinstance(value, bytes) else repr(value).encode())
                    whole.update(b"\0")
        return whole.hexdigest()

    def rows(self):
        """The writer's rows as a set of (writer, number); none before its table is there."""
        if "notes" not in self.tables():
            return set()
        return set(self.connection.execute("select w, n from notes"))

    def checkpointed_bytes(self):
        """A hash of the database file once everything of the WAL is in it."""
        self.connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _oracle():
    """The independent reader as a module: its own start would take longer than most checks."""
    if not ORACLE.exists():
        return None
    spec = importlib.util.spec_from_file_location("ltx", ORACLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.crc64(b"")  # builds its accelerator
    return module


def oracle(run, replica):
    """The independent reader verifies every stored file and the rules between them."""
    with _oracle_lock:
        reader = _oracle()
    if reader is None:
        skip_once("the independent reader of LTX files: ../shared/tools/ltx.py is not there")
        return
    if hasattr(replica, "download"):
        replica = replica.download(run.path("downloaded", "x").parent)
    wrong = [said for severity, said in reader.check_replica(str(replica)) if severity == "E"]
    if wrong:
        raise Failure("ltx.py check: %s" % " / ".join(wrong[:3]))


def restored(run, replica, label="restored", *flags):
    """Restores into a new file and returns its path."""
    output = run.path(label, "restored.db")
    status, said = walwrap.restore(run, replica, output, *flags)
    if status != 0:
        raise Failure("walwrap restore exits %d: %s" % (status, said.strip()[-300:]))
    return output


def same(run, live, replica, acks=(), tables=None, by_oracle=True):
    """The whole of what an ended run promises. `acks`: rows that must be there. The oracle takes a
    second for each MiB."""
    output = restored(run, replica)
    with Copy(run, live, "live") as ours, Copy(run, output, "restored") as theirs:
        intact = theirs.one("pragma integrity_check")
        run.must(intact == "ok", "integrity_check of the restored database: %s" % intact)
        expected = WRITER_TABLES if tables is None else tables
        run.must(theirs.tables() == sorted(expected),
                 "tables are %s, the app made %s" % (theirs.tables(), sorted(expected)))
        if acks:
            rows = theirs.rows()
            lost = [ack for ack in acks if ack[:2] not in rows]
            run.must(not lost, "%d of %d acknowledged rows lost, the first: %s"
                     % (len(lost), len(acks), lost[:1]))
        run.must(ours.digest() == theirs.digest(),
                 "the restored contents differ from the live ones")
        run.must(ours.checkpointed_bytes() == theirs.checkpointed_bytes(),
                 "same contents, but the restored file differs in its bytes from the live one")
    os.unlink(output)
    if by_oracle:
        oracle(run, replica)


def tree(directory, leave_out=()):
    """Relative path -> hash of the contents, of every file below but those named leave_out*."""
    found = {}
    for path in sorted(directory.rglob("*")):
        relative = str(path.relative_to(directory))
        if path.is_file() and not relative.startswith(tuple(leave_out)):
            found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def stored_bytes(replica):
    """Key -> (size, inode, mtime), or what a store has in their place: what two moments are
    compared by."""
    if hasattr(replica, "stored"):
        return replica.stored()
    found = {}
    for path in replica.rglob("*"):
        if path.is_file():
            stat = path.stat()
            found[str(path.relative_to(replica))] = (stat.st_size, stat.st_ino, stat.st_mtime_ns)
    return found


def uploaded_between(before, after):
    """Bytes of the files that are new or were replaced."""
    return sum(facts[0] for key, facts in after.items() if before.get(key) != facts)
