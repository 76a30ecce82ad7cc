#!/usr/bin/env python3
"""An app's first start: many small transactions at once, a pause, then some more.

Ends with 0 if no statement failed; else with 98, after writing each error to ERRORS. What it does
is what ORMs and servers do at their first start; --timeout 0 is what the sqlite3 shell and many
drivers have by default.
"""

import argparse
import os
import sqlite3
import sys
import time

EXIT_ERROR = 98


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("db")
    parser.add_argument("errors")
    parser.add_argument("--timeout", type=float, default=0, help="seconds")
    parser.add_argument("--first", action="append", default=[], help="SQL before all else")
    parser.add_argument("--transactions", type=int, default=150, help="of each part")
    parser.add_argument("--pauses", default="0.9", help="seconds between the parts, by commas")
    parser.add_argument("--reconnect", action="store_true", help="a connection per transaction")
    parser.add_argument("--absent", action="store_true", help="fail if the file is there")
    parser.add_argument("--seconds", type=float, help="after the parts, write on for so long")
    return parser.parse_args()


class Migrator:
    def __init__(self, options):
        self.options = options
        self.failed = 0
        self.done = 0
        self.db = None

    def try_run(self, what):
        try:
            return what()
        except sqlite3.OperationalError as error:
            self.failed += 1
            with open(self.options.errors, "a") as file:
                file.write("%s after %d transactions\n" % (error, self.done))

    def connect(self):
        if self.db is not None:
            self.db.close()
        self.db = sqlite3.connect(self.options.db, isolation_level=None,
                                  timeout=self.options.timeout)
        for sql in self.options.first:
            self.try_run(lambda: self.db.execute(sql).fetchall())

    def transaction(self):
        """In turn a row by itself, a table, and a transaction of several statements."""
        if self.options.reconnect:
            self.connect()
        kind, number = self.done % 3, self.done
        self.done += 1
        if kind == 0:
            self.try_run(lambda: self.db.execute("insert into t values (?, randomblob(50))",
                                                 (number,)))
        elif kind == 1:
            self.try_run(lambda: self.db.execute("create table t%d (a)" % number))
        else:
            self.try_run(lambda: self.db.executescript(
                "begin immediate; insert into t values (%d, zeroblob(10));"
                "create index i%d on t%d (a); commit" % (number, number, number - 1)))

    def run(self):
        options = self.options
        if options.absent and os.path.exists(options.db):
            self.failed += 1
            with open(options.errors, "a") as file:
                file.write("the file exists before the first start\n")
        self.connect()
        self.try_run(lambda: self.db.execute("create table t (n integer primary key, body)"))
        pauses = [float(word) for word in options.pauses.split(",") if word]
        for pause in [*pauses, 0]:
            for _ in range(options.transactions):
                self.transaction()
            time.sleep(pause)
        end = time.monotonic() + (options.seconds or 0)
        while time.monotonic() < end:
            self.done += 3 - self.done % 3  # rows alone
            self.transaction()
        rows = self.db.execute("select count(*) from t").fetchone()[0]
        print(rows, self.db.execute("pragma journal_mode").fetchone()[0], flush=True)
        return EXIT_ERROR if self.failed else 0


if __name__ == "__main__":
    sys.exit(Migrator(parse_arguments()).run())
