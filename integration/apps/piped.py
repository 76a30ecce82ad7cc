#!/usr/bin/env python3
"""An app that does what it is told over a Unix socket, one JSON line at a time.

    piped.py DATABASE SOCKET NAME

Commands: open, close, pin (a read transaction stays open), commit (`rows` more), rows, exit
(`status`). Each is answered with {"rows": ...}, {} or {"error": text}. Rows are (NAME, number).
"""

import json
import os
import socket
import sqlite3
import sys


class App:
    def __init__(self, path, name):
        self.path, self.name = path, name
        self.db = self.reader = None

    def open(self, _):
        self.db = sqlite3.connect(self.path, isolation_level=None, timeout=2)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("create table if not exists notes(w, n, body)")

    def close(self, _):
        for connection in (self.reader, self.db):
            if connection:
                connection.close()
        self.db = self.reader = None

    def pin(self, _):
        self.reader = sqlite3.connect(self.path, isolation_level=None)
        self.reader.execute("begin")
        self.reader.execute("select count(*) from sqlite_master").fetchone()

    def commit(self, command):
        for _ in range(command["rows"]):
            self.db.execute("insert into notes select ?1, coalesce(max(n), 0) + 1, randomblob(300)"
                            " from notes where w = ?1", (self.name,))

    def rows(self, _):
        return {"rows": self.db.execute("select w, n from notes order by w, n").fetchall()}


def main():
    database, address, name = sys.argv[1:]
    app = App(database, name)
    line = socket.socket(socket.AF_UNIX)
    line.connect(address)
    with line.makefile("rw") as talk:
        for text in talk:
            command = json.loads(text)
            if command["do"] == "exit":
                app.close(command)
                os._exit(command["status"])
            try:
                answer = getattr(app, command["do"])(command) or {}
            except sqlite3.Error as error:
                answer = {"error": "%s: %s" % (type(error).__name__, error)}
            talk.write(json.dumps(answer) + "\n")
            talk.flush()
    os._exit(97)  # the test has gone


if __name__ == "__main__":
    main()
