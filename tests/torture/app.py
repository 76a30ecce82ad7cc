#!/usr/bin/env python3
"""The app that walwrap runs for the torture: keeps writers alive and keeps killing them.

DB DIRECTORY WRITERS KILLS_PER_SECOND SEED. DIRECTORY/kills holds the number of kills so far,
DIRECTORY/complaints what a writer said that ended without being killed. On TERM half of the
writers are killed, the others get TERM, and the app exits 0.
"""

import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import time

WRITER = pathlib.Path(__file__).with_name("writer.py")


class App:
    def __init__(self, path, directory, writers, rate, seed):
        self.path, self.directory, self.rate = path, pathlib.Path(directory), rate
        self.random = random.Random(seed)
        self.stopping = False
        signal.signal(signal.SIGTERM, self.on_term)
        self.make_database()
        self.processes = [self.start(number) for number in range(writers)]
        self.kills = 0

    def on_term(self, *_):
        self.stopping = True

    def make_database(self):
        with sqlite3.connect(self.path, isolation_level=None, timeout=10) as db:
            db.execute("pragma journal_mode = wal")
            db.execute("create table if not exists torture(w integer, n integer, body blob)")
            db.execute("create index if not exists by_writer on torture(w, n)")
        db.close()

    def start(self, number):
        with open(self.directory / "complaints", "ab") as complaints:
            return subprocess.Popen(
                [sys.executable, str(WRITER), self.path, str(number), str(self.directory),
                 str(self.random.randrange(1 << 32))], stdout=complaints, stderr=complaints)

    def kill_one(self):
        number = self.random.randrange(len(self.processes))
        self.processes[number].kill()
        self.processes[number].wait()
        self.processes[number] = self.start(number)
        self.kills += 1
        (self.directory / "kills.tmp").write_text("%d\n" % self.kills)
        os.replace(self.directory / "kills.tmp", self.directory / "kills")

    def run(self):
        while not self.stopping:
            time.sleep(self.random.expovariate(self.rate))
            if not self.stopping:
                self.kill_one()
        for number, process in enumerate(self.processes):
            process.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        for process in self.processes:
            process.wait()


if __name__ == "__main__":
    App(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]).run()
