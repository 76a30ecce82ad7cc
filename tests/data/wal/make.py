#!/usr/bin/env python3
"""Makes the files of this directory with SQLite itself: make.py DIRECTORY

restarted.db-wal   a log that SQLite has restarted: new frames, then old ones with older salts
restarted.db       the database beside it, as it is without the log
restarted.db-shm   the first 136 bytes of the wal-index beside them
restarted.after    the database as SQLite has it with the log applied
big.db-wal         a log with 65536-byte pages, whose size the wal-index stores as 1
big.db-shm         its wal-index header

Salts are random, so each run makes other bytes.
"""
import os
import shutil
import sqlite3
import sys
import tempfile


def keep(source, name, limit=None):
    with open(source, "rb") as file:
        data = file.read() if limit is None else file.read(limit)
    with open(os.path.join(sys.argv[1], name), "wb") as file:
        file.write(data)


def restarted(directory):
    path = os.path.join(directory, "restarted.db")
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size=512", "journal_mode=WAL", "wal_autocheckpoint=0"):
        db.execute("PRAGMA " + pragma).fetchall()
    db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)")
    for i in range(12):
        db.execute("INSERT INTO t(v) VALUES(?)", ("row %d " % i + "x" * 90,))
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    db.execute("UPDATE t SET v = 'changed' WHERE id = 3")
    db.execute("BEGIN")
    db.execute("INSERT INTO t(v) VALUES(?)", ("y" * 1500,))
    db.execute("DELETE FROM t WHERE id < 3")
    db.execute("COMMIT")
    for suffix, limit in (("", None), ("-wal", None), ("-shm", 136)):
        keep(path + suffix, "restarted.db" + suffix, limit)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    keep(path, "restarted.after")
    db.close()


def big(directory):
    path = os.path.join(directory, "big.db")
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size=65536", "journal_mode=WAL"):
        db.execute("PRAGMA " + pragma).fetchall()
    db.execute("CREATE TABLE t(v)")
    keep(path + "-wal", "big.db-wal")
    keep(path + "-shm", "big.db-shm", 136)
    db.close()


with tempfile.TemporaryDirectory() as scratch:
    restarted(scratch)
    big(scratch)
