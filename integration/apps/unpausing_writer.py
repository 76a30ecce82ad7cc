#!/usr/bin/env python3
"""An app with one writer and no busy timeout, as the sqlite3 shell is.

DB SECONDS NORMAL|FULL BODY_BYTES COMMITS_PER_SECOND (0: full speed). A commit that meets
SQLITE_BUSY is counted and not repeated. Prints one JSON object: commits, busy, and the largest
-wal in bytes that was there.
"""

import json
import os
import sqlite3
import sys
import threading
import time


class Watch(threading.Thread):
    """Looks at the size of the -wal all the time."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.largest, self.ends = path + "-wal", 0, False

    def run(self):
        while not self.ends:
            try:
                self.largest = max(self.largest, os.stat(self.path).st_size)
            except FileNotFoundError:
                pass
            time.sleep(0.005)


def main():
    path, seconds, mode, body, rate = sys.argv[1], float(sys.argv[2]), *sys.argv[3:6]
    db = sqlite3.connect(path, isolation_level=None, timeout=0)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = %s" % mode)
    db.execute("create table if not exists busy(id integer primary key, body blob)")
    watch = Watch(path)
    watch.start()
    commits = busy = 0
    begun = time.monotonic()
    insert = "insert into busy(body) values(randomblob(%d))" % int(body)
    while time.monotonic() < begun + seconds:
        try:
            db.execute(insert)
            commits += 1
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            busy += 1
        if float(rate) > 0:
            due = begun + (commits + busy) / float(rate)
            time.sleep(max(0, due - time.monotonic()))
    watch.ends = True
    print(json.dumps({"commits": commits, "busy": busy, "largest_wal": watch.largest}))
    db.close()


if __name__ == "__main__":
    main()
