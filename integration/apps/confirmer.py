#!/usr/bin/env python3
"""Commits numbered rows; writes a row's number down only after walwrap has said that it is stored.

STORED gets a line `number txid` for each. Any answer but 200 is written as `number -`.
"""

import http.client
import json
import os
import socket
import sqlite3
import sys
import time


class Walwrap(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.environ["WALWRAP_SOCKET"])


def ask(path, method="POST", timeout=30):
    """The status and the body, or None where nobody answers."""
    connection = Walwrap("localhost", timeout=timeout)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def main():
    database, stored_path, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    stored = os.open(stored_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    app = sqlite3.connect(database, timeout=5)
    app.execute("pragma journal_mode=wal")
    app.execute("create table if not exists rows(id integer primary key, body)")
    first = app.execute("select coalesce(max(id), 0) from rows").fetchone()[0] + 1
    for number in range(first, first + rows):
        app.execute("insert into rows values (?, randomblob(200))", (number,))
        app.commit()
        began = time.monotonic()
        answer = ask("/v1/wait?timeout=%s" % os.environ.get("WAIT", "10s"))
        while answer is None and time.monotonic() - began < 10:  # the replicator is being restarted
            time.sleep(0.01)
            answer = ask("/v1/wait?timeout=10s")
        good = answer is not None and answer[0] == 200
        os.write(stored, b"%d %s\n" % (number, json.loads(answer[1])["txid"].encode()
                                       if good else b"-"))


if __name__ == "__main__":
    main()
