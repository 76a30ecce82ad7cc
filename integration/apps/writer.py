#!/usr/bin/env python3
"""The app of most tests: commits numbered rows and writes down each commit that returned.

ACK gets a line `writer number monotonic-time` after each COMMIT, ACK.starts one per process with
its pid, ACK.errors whatever SQLite said that an app would not want to hear.
"""

import argparse
import os
import signal
import sqlite3
import sys
import time

EXIT_ERROR = 98  # SQLite failed
EXIT_LOST = 99   # a row acknowledged by an earlier life is not there


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("db")
    parser.add_argument("ack")
    parser.add_argument("--id", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0, help="commits per second; 0: full speed")
    parser.add_argument("--rows", type=int, help="end after so many")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("--linger", action="store_true", help="after the last row, wait for TERM")
    parser.add_argument("--delay", type=float, default=0, help="seconds before the first open")
    parser.add_argument("--body", type=int, default=120, help="bytes per row")
    parser.add_argument("--rows-per-commit", type=int, default=1)
    parser.add_argument("--page-size", type=int)
    parser.add_argument("--auto-vacuum", default="none")
    parser.add_argument("--journal", default="wal", help="'' leaves it to walwrap")
    parser.add_argument("--synchronous", default="normal")
    parser.add_argument("--busy-timeout", type=float, default=5, help="seconds")
    parser.add_argument("--end", default="0", help="how it ends by itself: a status or 'kill'")
    parser.add_argument("--on-term", default="0", help="a status, 'kill' or 'ignore'")
    parser.add_argument("--rows-after-term", type=int, default=20)
    parser.add_argument("--each-second", action="append", default=[], help="SQL to run")
    parser.add_argument("--check", action="store_true", help="first look for all rows of ACK")
    return parser.parse_args()


class Writer:
    def __init__(self, options):
        self.options = options
        self.told_to_stop = False
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self.ack = os.open(options.ack, flags, 0o644)
        starts = os.open(options.ack + ".starts", flags, 0o644)
        os.write(starts, b"%d\n" % os.getpid())
        os.close(starts)
        if options.on_term == "ignore":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        else:
            signal.signal(signal.SIGTERM, self.on_term)

    def on_term(self, *_):
        self.told_to_stop = True

    def open(self):
        options = self.options
        self.db = sqlite3.connect(options.db, isolation_level=None, timeout=options.busy_timeout)
        if options.page_size:
            self.db.execute("pragma page_size = %d" % options.page_size)
        self.db.execute("pragma auto_vacuum = %s" % options.auto_vacuum)
        if options.journal:
            self.db.execute("pragma journal_mode = %s" % options.journal)
        self.db.execute("pragma synchronous = %s" % options.synchronous)
        self.db.execute("create table if not exists notes"
                        "(w integer, n integer, body blob, primary key (w, n))")
        row = self.db.execute("select max(n) from notes where w = ?", (options.id,)).fetchone()
        self.number = row[0] or 0

    def check(self):
        with open(self.options.ack) as file:
            acks = {(int(w), int(n)) for w, n, _ in (line.split() for line in file)}
        rows = set(self.db.execute("select w, n from notes"))
        if acks - rows:
            self.complain("%d acknowledged rows are not there" % len(acks - rows))
            sys.exit(EXIT_LOST)

    def complain(self, text):
        with open(self.options.ack + ".errors", "a") as file:
            file.write("%.3f %s\n" % (time.monotonic(), text))

    def commit(self):
        count = self.options.rows_per_commit
        numbers = range(self.number + 1, self.number + 1 + count)
        self.db.execute("begin immediate")
        for number in numbers:
            self.db.execute("insert into notes values(?, ?, randomblob(?))",
                            (self.options.id, number, self.options.body))
        self.db.execute("commit")
        self.number = numbers[-1]
        now = time.monotonic()
        lines = "".join("%d %d %.6f\n" % (self.options.id, n, now) for n in numbers)
        os.write(self.ack, lines.encode())

    def is_over(self, started, written):
        options = self.options
        return (self.told_to_stop
                or (options.rows is not None and written >= options.rows)
                or (options.seconds is not None and time.monotonic() - started >= options.seconds))

    def run(self):
        options = self.options
        started, written, chores_at = time.monotonic(), 0, time.monotonic() + 1
        while not self.is_over(started, written):
            self.commit()
            written += 1
            if options.each_second and time.monotonic() > chores_at:
                for sql in options.each_second:
                    self.db.execute(sql).fetchall()
                chores_at = time.monotonic() + 1
            if options.rate:
                time.sleep(max(0, started + written / options.rate - time.monotonic()))
        while options.linger and not self.told_to_stop:
            time.sleep(0.1)
        if self.told_to_stop:
            for _ in range(options.rows_after_term):
                self.commit()

    def end(self):
        """Without closing the connection: that is what a crash and many apps do."""
        how = self.options.on_term if self.told_to_stop else self.options.end
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(int(how))


def main():
    writer = Writer(parse_arguments())
    time.sleep(writer.options.delay)
    try:
        writer.open()
        if writer.options.check:
            writer.check()
        writer.run()
    except sqlite3.Error as error:
        writer.complain("%s: %s" % (type(error).__name__, error))
        os._exit(EXIT_ERROR)
    writer.end()


if __name__ == "__main__":
    main()
