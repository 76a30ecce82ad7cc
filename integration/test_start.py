#!/usr/bin/env python3
"""What walwrap does at start, for each pair of local database and replica.

A refusal exits 125 before the app ran, says why and what to type, and leaves the user's files as
they were to the byte.
"""

import time

from lib import checks, starts
from lib.harness import case, main
from lib.scene import Scene
from lib.starts import LOCAL, REPLICA

REFUSED = 125
# Local, replica -> what happens without any --option. Not in the table: "behind" and "diverged"
# with an unreachable replica, which nobody can tell from "known" without asking it.
TABLE = {
    ("none", "empty"): "start",
    ("none", "present"): "restore",
    ("none", "not a directory"): "refuse",
    ("none", "no rights"): "refuse",
    ("none", "damaged"): "refuse",
    ("known", "empty"): "refuse",
    ("known", "present"): "continue",
    ("known", "not a directory"): "unconnected",
    ("known", "no rights"): "unconnected",
    ("known", "gap"): "mend",
    ("behind", "empty"): "refuse",
    ("behind", "present"): "set aside",
    ("behind", "damaged"): "refuse",
    ("unknown", "empty"): "start",
    ("unknown", "equal"): "continue",
    ("unknown", "present"): "refuse",
    ("unknown", "not a directory"): "refuse",
    ("unknown", "no rights"): "refuse",
    ("unknown", "damaged"): "refuse",
    ("diverged", "empty"): "refuse",
    ("diverged", "present"): "refuse",
    ("diverged", "damaged"): "refuse",
}
# What a refusal must name for the user to type, where there is such an option.
HINTS = {
    ("known", "empty"): "--allow-empty-replica",
    ("unknown", "present"): "--on-diverged",
    ("diverged", "present"): "--on-diverged",
}


class Start:
    """One start over a prepared pair."""

    def __init__(self, run, local, replica):
        self.run = run
        self.scene = Scene(run)
        self.nobody = replica == "no rights"
        LOCAL[local](self.scene, run)
        REPLICA[replica](self.scene, run)
        if self.nobody:
            starts.give_to_nobody(self.scene, run)
        self.before = checks.tree(self.scene.host, leave_out=(".app.db", "app.db-shm"))
        self.starts = len(self.scene.app_starts())
        self.acks = self.scene.acks()

    def start(self, *flags, rows=5):
        return self.scene.start(self.scene.writer("--rows", rows), "--start-timeout", "1s",
                                *flags, nobody=self.nobody)

    def must_be_refused(self, *flags, hint=None):
        walwrap = self.start(*flags)
        walwrap.must_end(REFUSED, flush=None)
        self.run.must(len(self.scene.app_starts()) == self.starts, "the app ran")
        after = checks.tree(self.scene.host, leave_out=(".app.db", "app.db-shm"))
        self.run.must(after == self.before,
                      "the user's files changed: %s" % sorted(set(self.before.items())
                                                              ^ set(after.items())))
        said = walwrap.log_path.read_text()
        self.run.must(walwrap.errors(), "no error in the log")
        self.run.must(hint is None or hint in said, "the message does not name %s" % hint)
        return said

    def must_start(self, *flags):
        walwrap = self.start(*flags)
        walwrap.must_end(0)
        self.scene.app_must_be_unharmed()
        return walwrap

    def must_keep_all_rows(self, by_oracle=True):
        checks.same(self.run, self.scene.db, self.scene.replica, self.scene.acks(),
                    by_oracle=by_oracle)


def refuse(start, hint):
    start.must_be_refused(hint=hint)


def plain_start(start, _):
    start.must_start()
    checks.same(start.run, start.scene.db, start.scene.replica)


def restore(start, _):
    start.must_start()
    start.must_keep_all_rows()


def keep_going(start, _):
    before = checks.stored_bytes(start.scene.replica)
    start.must_start()
    start.must_keep_all_rows()
    uploaded = checks.uploaded_between(before, checks.stored_bytes(start.scene.replica))
    start.run.must(uploaded < starts.DATABASE_BYTES // 4,
                   "%d bytes uploaded for five rows" % uploaded)


def mend(start, _):
    start.must_start()
    # The hole among the uploads stays, and the oracle names it; the snapshot reaches beyond it.
    start.must_keep_all_rows(by_oracle=False)
    start.run.must(list(start.scene.replica.glob("ltx/9/*.ltx")), "no snapshot took its place")


def set_aside(start, _):
    behind = start.scene.db.read_bytes()
    start.must_start()
    start.must_keep_all_rows()
    kept = [p for p in start.scene.host.iterdir()
            if p.name.startswith("app.db.walwrap-") and p.is_file() and p.read_bytes() == behind]
    start.run.must(kept, "the older database was not kept beside the new one")


def unconnected(start, _):
    """The app runs; at its end the flush cannot succeed, and that is told."""
    walwrap = start.start("--exit-flush-timeout", "2s")
    status = walwrap.wait()
    start.run.must(len(start.scene.app_starts()) == start.starts + 1, "the app did not run")
    start.run.must(status == 74, "exit status %d, expected 74: the flush failed" % status)
    start.run.must(walwrap.summary()["flush"] in ("failed", "partial"),
                   "flush=%s" % walwrap.summary()["flush"])
    start.scene.app_must_be_unharmed()


DEEDS = {"refuse": refuse, "start": plain_start, "restore": restore, "continue": keep_going,
         "set aside": set_aside, "mend": mend, "unconnected": unconnected}


def cell(local, replica, deed):
    @case("local %s, replica %s: %s" % (local, replica, deed))
    def check(run):
        DEEDS[deed](Start(run, local, replica), HINTS.get((local, replica)))


for (local, replica), deed in TABLE.items():
    cell(local, replica, deed)


@case("a vanished replica is restarted with --allow-empty-replica")
def allow_empty(run):
    start = Start(run, "known", "empty")
    start.must_start("--allow-empty-replica")
    start.must_keep_all_rows()


def on_diverged(local):
    @case("local %s, --on-diverged=use-replica: the local file is set aside, the replica restored"
          % local)
    def use_replica(run):
        start = Start(run, local, "present")
        mine = start.scene.db.read_bytes()
        start.must_start("--on-diverged", "use-replica")
        checks.same(run, start.scene.db, start.scene.replica)
        run.must(any(p.is_file() and p.read_bytes() == mine for p in start.scene.host.iterdir()),
                 "the local database is gone")

    @case("local %s, --on-diverged=use-local: the local database stored as the next state" % local)
    def use_local(run):
        start = Start(run, local, "present")
        with checks.Copy(run, start.scene.db, "mine") as copy:
            mine = copy.rows()
        start.must_start("--on-diverged", "use-local")
        checks.same(run, start.scene.db, start.scene.replica)
        with checks.Copy(run, start.scene.db, "live") as copy:
            run.must(mine <= copy.rows(), "rows of the local database are gone")


on_diverged("unknown")
on_diverged("diverged")


@case("a TERM while the start waits for a replica exits with 143 and leaves no file")
def term_while_waiting(run):
    start = Start(run, "none", "present")
    start.scene.replica = run.dir / "not-mounted" / "replica"
    before = len(start.scene.app_starts())  # of the lives that prepared the pair
    walwrap = start.scene.start(start.scene.writer("--rows", 5), "--start-timeout", "60s")
    walwrap.wait_for_replicator()
    time.sleep(0.5)
    began = time.monotonic()
    run.must(walwrap.stop() == 143, "exit status %s" % walwrap.process.returncode)
    run.must(time.monotonic() - began < 1.5, "it took %.1f s" % (time.monotonic() - began))
    run.must(not start.scene.db.exists(), "a database was left")
    run.must(len(start.scene.app_starts()) == before, "the app ran")


@case("a start with a damaged replica names the damaged file")
def names_the_file(run):
    start = Start(run, "none", "damaged")
    said = start.must_be_refused()
    run.must(".ltx" in said, "no file is named: %s" % said.strip()[-300:])


if __name__ == "__main__":
    main(jobs=4)
