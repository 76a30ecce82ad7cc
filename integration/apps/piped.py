#!/usr/bin/env python3
"""An app that does what it is told, one command a line, and answers each when it is done.

    piped.py DATABASE COMMANDS ANSWERS       two named pipes

`open`, `insert N` (one commit), `hold` (begins a read transaction of another connection, so that
what is committed from then on stays in the WAL alone), `release`, `close` and `exit`. The answer is
`ok`, or `error` and what SQLite said: the app goes on, as one that logs its errors does.
"""

import os
import sqlite3
import sys


class App:
    def __init__(self, database):
        self.database = database
        self.connection = None
        self.reader = None

    def _connect(self):
        return sqlite3.connect(self.database, isolation_level=None, timeout=2)

    def open(self):
        if self.connection is None:
            self.connection = self._connect()
            self.connection.execute("pragma journal_mode=wal")
            self.connection.execute("create table if not exists notes("
                                    "w integer, n integer, body blob, primary key (w, n))")

    def insert(self, number):
        self.open()
        self.connection.execute("insert into notes values (0, ?, randomblob(1500))", (number,))

    def close(self):
        if self.connection is not None:
            connection, self.connection = self.connection, None
            connection.close()

    def hold(self):
        self.reader = self._connect()
        self.reader.execute("begin")
        self.reader.execute("select count(*) from sqlite_master").fetchone()

    def release(self):
        reader, self.reader = self.reader, None
        reader.close()

    def exit(self):
        self.close()
        os._exit(0)


def main():
    app = App(sys.argv[1])
    with open(sys.argv[2]) as commands, open(sys.argv[3], "w") as answers:
        answers.write("started\n")
        answers.flush()
        for line in commands:
            command, *arguments = line.split()
            try:
                getattr(app, command)(*map(int, arguments))
                answers.write("ok\n")
            except sqlite3.Error as error:
                answers.write("error %s\n" % error)
            answers.flush()


if __name__ == "__main__":
    main()
