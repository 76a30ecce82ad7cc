#!/usr/bin/env python3
"""One tortured writer: does to its database whatever SQLite allows, until it is killed.

DB, the writer's number, the directory of acknowledgements, a seed. Rows of writer w are numbered
without holes; rows more than KEEP behind the newest may have been deleted; a row with a negative
number was rolled back and must never be seen.
"""

import os
import random
import sqlite3
import sys
import time

KEEP = 200
INSERT = "insert into torture values(?, ?, randomblob(?))"


class Writer:
    def __init__(self, path, number, directory, seed):
        self.path, self.number, self.random = path, number, random.Random(seed)
        self.ack = os.open(os.path.join(directory, "ack.%d" % number),
                           os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.connections = [self.connect(), self.connect()]
        row = self.connections[0].execute(
            "select coalesce(max(n), 0) from torture where w = ?", (number,)).fetchone()
        self.last = row[0]

    def connect(self):
        choice = self.random.choice
        db = sqlite3.connect(self.path, isolation_level=None, timeout=choice([0, 5, 5, 5]))
        db.execute("pragma synchronous = %s" % choice(["normal", "off", "full"]))
        db.execute("pragma wal_autocheckpoint = %d" % choice([1, 10, 1000]))
        db.execute("pragma cache_size = %d" % choice([-2000, 10]))
        return db

    def insert(self, db, rows=1):
        body = self.random.choice([10, 3000, 20000])
        db.execute("begin immediate")
        for number in range(self.last + 1, self.last + 1 + rows):
            db.execute(INSERT, (self.number, number, body))
        db.execute("commit")
        self.last += rows
        os.write(self.ack, b"%d\n" % self.last)

    def insert_many(self, db):
        self.insert(db, self.random.randrange(2, 100))

    def delete(self, db):
        db.execute("delete from torture where w = ? and n < ?", (self.number, self.last - KEEP))

    def roll_back(self, db):
        db.execute("begin")
        for _ in range(self.random.randrange(1, 30)):
            db.execute(INSERT, (self.number, -1, 9000))
        db.execute("rollback")

    def savepoint(self, db):
        db.execute("begin immediate")
        db.execute("savepoint half")
        db.execute(INSERT, (self.number, -2, 9000))
        db.execute("rollback to half")
        db.execute(INSERT, (self.number, self.last + 1, 100))
        db.execute("commit")
        self.last += 1
        os.write(self.ack, b"%d\n" % self.last)

    def checkpoint(self, db):
        mode = self.random.choice(["passive", "full", "restart", "truncate"])
        db.execute("pragma wal_checkpoint(%s)" % mode).fetchone()

    def vacuum(self, db):
        db.execute("vacuum")

    def schema(self, db):
        db.execute("create table if not exists extra%d(x)" % self.number)
        db.execute("insert into extra%d values(randomblob(5000))" % self.number)
        db.execute("drop table extra%d" % self.number)

    def reopen(self, db):
        self.connections.append(self.connect())
        self.connections.remove(db)
        db.close()

    def read_slowly(self, db):
        db.execute("begin")
        db.execute("select count(*) from torture").fetchone()
        time.sleep(self.random.random() * 0.1)
        db.execute("rollback")

    def pause(self, _):
        time.sleep(self.random.random() * 0.01)

    def run(self):
        deeds = [(self.insert, 860), (self.insert_many, 20), (self.savepoint, 20),
                 (self.delete, 20), (self.checkpoint, 20), (self.vacuum, 4), (self.schema, 4),
                 (self.roll_back, 15), (self.reopen, 10), (self.read_slowly, 7), (self.pause, 20)]
        functions, weights = zip(*deeds)
        while True:
            db = self.random.choice(self.connections)
            try:
                self.random.choices(functions, weights)[0](db)
            except sqlite3.OperationalError:  # busy, locked: part of the game
                if db.in_transaction:
                    db.execute("rollback")


def main():
    path, number, directory, seed = sys.argv[1:]
    while True:
        try:
            return Writer(path, int(number), directory, seed).run()
        except sqlite3.OperationalError as error:  # an open that met somebody's lock
            if "locked" not in str(error) and "busy" not in str(error):
                raise


if __name__ == "__main__":
    main()
