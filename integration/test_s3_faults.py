#!/usr/bin/env python3
"""A store that misbehaves: each kind of request, in each step of a run, with each fault.

After each run, behind the proxy's back: every acknowledged row is in the replica, nothing that was
stored before has changed, the app was started once and never ended before its time.
"""

import signal
import sys
import time

from lib import checks, walwrap
from lib.faults import CASES, LIMIT_SECONDS, Outcome, allowed
from lib.harness import ROOT, Failure, case, main
from lib.s3_servers import fresh_replica, shared
from lib.scene import Scene

sys.path.insert(0, str(ROOT / "tests" / "support"))
from hostile_proxy import Fault, HostileProxy  # noqa: E402

KIND = "minio"
FOREIGN = {"app.bak/0000/0000000000000001-0000000000000001.ltx": b"a neighbour's",
           "appendix": b"another neighbour's", "other/app/data": b"somebody else's"}
ROWS = 12
LARGE_ROWS = 9  # of 1 MiB in one transaction: two parts


class Trial:
    """One case: a scene behind a proxy of its own, and what was stored before the fault."""

    def __init__(self, run, trial):
        self.run, self.trial = run, trial
        self.proxy = HostileProxy(shared(KIND).port)
        self.replica = fresh_replica(KIND, via=self.proxy.address)
        self.direct = self.replica.at()
        self.scene = Scene(run, self.replica)
        for key, body in FOREIGN.items():
            self.replica.client.put(key, body)

    def etags(self):
        return {key: facts[1] for key, facts in self.replica.client.list().items()}

    def arm(self):
        """From here on the fault strikes."""
        t = self.trial
        self.before, self.began = self.etags(), time.monotonic()
        runs_already = t.step in ("steady", "stop")
        self.starts_before = 0 if runs_already else len(self.scene.app_starts())
        self.proxy.arm(Fault(t.fault, t.operation, t.nth, t.times))

    def life(self, *flags, rows=ROWS):
        """The app under walwrap, to its own end."""
        process = self.scene.start(self.scene.writer("--rows", rows, "--rate", 100, *flags))
        process.wait(LIMIT_SECONDS)
        return process

    def judge(self, process):
        """What the run came to; Failure if it is nothing that it may come to."""
        took, starts = time.monotonic() - self.began, len(self.scene.app_starts())
        status, self.struck = process.wait(1), self.proxy.struck()
        summary = process.summary()["flush"] if starts > self.starts_before else "none"
        outcome = {(0, "ok"): Outcome.STORED, (74, "failed"): Outcome.MISSING,
                   (74, "partial"): Outcome.MISSING, (125, "none"): Outcome.REFUSED}.get(
                       (status, summary))
        self.run.must(outcome in allowed(self.trial),
                      "exit %s, flush=%s: none of %s" % (status, summary, allowed(self.trial)))
        self.run.must(took < LIMIT_SECONDS, "it took %.1f s" % took)
        self.run.must(starts == self.starts_before + (outcome != Outcome.REFUSED),
                      "the app was started %d times" % (starts - self.starts_before))
        return outcome

    def must_be_whole(self, outcome):
        """Repairs what an outcome leaves to the next start, and compares everything."""
        self.proxy.disarm()
        if outcome != Outcome.STORED:
            self.life("--check", rows=1).must_end(0)
        self.scene.app_must_be_unharmed()
        checks.same(self.run, self.scene.db, self.direct, self.scene.acks(),
                    by_oracle=self.trial.step != "large")
        after = self.etags()
        changed = [key for key, etag in self.before.items() if after.get(key) != etag]
        self.run.must(not changed, "changed or gone: %s" % changed)
        self.run.must(self.struck or self.trial.may_miss, "the fault never struck")

    # The steps of a run. Each gives a process that has ended, or none if it has judged itself.

    def start_empty(self):
        self.arm()
        return self.life()

    def start_known(self):
        self.life().must_end(0)
        self.arm()
        return self.life("--check")

    def start_wiped(self):
        self.life().must_end(0)
        self.life("--check").must_end(0)
        self.scene.wipe()
        self.arm()
        return self.life("--check")

    def steady(self):
        process = self.scene.start(self.scene.writer("--rate", 100))
        self.scene.wait_for_rows(ROWS)
        self.arm()
        self.scene.wait_for_rows(ROWS)
        process.process.send_signal(signal.SIGTERM)
        process.wait(LIMIT_SECONDS)
        return process

    def large(self):
        self.life().must_end(0)
        self.arm()
        return self.life("--rows-per-commit", LARGE_ROWS, "--body", 1 << 20, rows=LARGE_ROWS)

    def stop(self):
        process = self.scene.start(self.scene.writer("--rate", 100))
        self.scene.wait_for_rows(ROWS)
        process.process.send_signal(signal.SIGTERM)
        self.arm()
        process.wait(LIMIT_SECONDS)
        return process

    def by_hand(self):
        """`walwrap restore` through the fault gives the database, or says why not."""
        self.life().must_end(0)
        self.arm()
        output = self.run.path("by-hand", "restored.db")
        status, said = walwrap.restore(self.run, self.replica, output)
        self.struck = self.proxy.struck()
        self.run.must(time.monotonic() - self.began < LIMIT_SECONDS, "it took too long")
        if Outcome.REFUSED in allowed(self.trial) and status != 0:
            self.run.must(said.startswith("walwrap restore: ") and not output.exists(),
                          "exit %d, and it said %r" % (status, said[-200:]))
        else:
            self.run.must(status == 0, "exit %d: %s" % (status, said[-200:]))
            with checks.Copy(self.run, output, "by-hand") as copy:
                lost = {ack[:2] for ack in self.scene.acks()} - copy.rows()
            self.run.must(not lost, "%d rows are missing" % len(lost))

    def check(self):
        process = getattr(self, self.trial.step)()
        self.must_be_whole(self.judge(process) if process else Outcome.STORED)


def check(run, trial):
    this = Trial(run, trial)
    try:
        this.check()
    except Failure as failure:
        seen = ["%s %s %s" % (r.kind, r.status, r.fault) for r in this.proxy.requests()][-12:]
        raise Failure("%s; requests: %s" % (failure, ", ".join(seen))) from None
    finally:
        this.proxy.stop()


for trial in CASES:
    case(trial.name)(lambda run, trial=trial: check(run, trial))


if __name__ == "__main__":
    main(jobs=6)
