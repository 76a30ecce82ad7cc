"""Processes that the app leaves: those that have ended are reaped, those that go on are ended."""

import shutil
import signal
import subprocess
import time

from lib import procfs
from lib.harness import Skip, wait_until

from .inits import Probe, spec


def zombies(app):
    return [pid for pid in procfs.descendants(app.process.pid)
            if procfs.status(pid).get("State", "X")[0] == "Z"]


# Makes orphans, `width` at a time, that end at once; then says so and waits.
ORPHANS = """
import os, sys, time
count, width, ready = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for first in range(0, count, width):
    middle = os.fork()
    if middle == 0:
        for _ in range(min(width, count - first)):
            if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.waitpid(middle, 0)
open(ready, "w").close()
time.sleep(60)
"""


def orphans(run, init, count, width):
    ready = run.path("ready")
    app = init.start(run, ["/usr/bin/python3", "-S", "-E", "-c", ORPHANS, count, width, ready])
    wait_until(ready.exists, 60, "the orphans to be made")
    wait_until(lambda: not zombies(app), 5, "all %d to be reaped" % count)
    run.must(len(app.below()) == 1, "left: %s" % [procfs.name(p) for p in app.below()])
    app.send(signal.SIGTERM)
    app.must_end(143)


@spec("one orphan is reaped when it ends")
def one_orphan(run, init):
    orphans(run, init, 1, 1)


@spec("10,000 orphans are reaped, and the app's status is not lost among them")
def many_orphans(run, init):
    orphans(run, init, 10_000, 100)


@spec("100 sleepers that outlive their parent are reaped when they end")
def sleepers(run, init):
    ready = run.path("ready")
    app = init.start(run, ["sh", "-c", "(for i in $(seq 100); do sleep 0.3 & done; exit 0); "
                           "touch %s; exec sleep 60" % ready])
    wait_until(ready.exists, 10, "the sleepers")
    time.sleep(0.5)
    wait_until(lambda: not zombies(app) and len(app.below()) == 1, 5, "all to be reaped")


@spec("an orphaned grandchild of a grandchild is reaped")
def deep_orphan(run, init):
    ready = run.path("ready")
    app = init.start(run, ["sh", "-c", "( ( ( sleep 0.2 & ) & ) & ); touch %s; exec sleep 60"
                           % ready])
    wait_until(ready.exists, 5, "the app")
    time.sleep(0.3)
    wait_until(lambda: not zombies(app) and len(app.below()) == 1, 5, "it to be reaped")


@spec("the exit status is the app's, however many others end at the same time")
def not_mixed_up(run, init):
    for _ in range(20):
        app = init.start(run, ["sh", "-c", "for i in $(seq 20); do (exit 3) & done; exit 42"])
        app.must_end(42)


@spec("processes that the app leaves behind get TERM at its end, and time to handle it")
def leftovers_hear(run, init):
    probe = Probe(run, ends_on=[signal.SIGTERM])
    ready = run.path("ready")
    app = init.start(run, ["sh", "-c", "%s & while [ ! -e %s ]; do sleep 0.01; done; exit 6"
                           % (probe.as_text(), ready)])
    probe.ready()
    ready.touch()
    app.must_end(6)
    wait_until(lambda: signal.SIGTERM in probe.heard(), 2, "the leftover to hear TERM")


@spec("when TERM kills a shell, its app is ended as well, before init ends")
def shell_dies_first(run, init):
    probe = Probe(run, ends_on=[signal.SIGTERM])
    app = init.start(run, ["sh", "-c", probe.as_text() + "; true"])
    probe.ready()
    app.send(signal.SIGTERM)
    app.must_end(143)
    run.must(signal.SIGTERM in probe.heard(), "the app heard %s" % probe.heard())
    run.must(not run.processes(), "something goes on")


@spec("a daemon in its own session that ignores TERM does not outlive init", only="not")
def daemon(run, init):
    ready = run.path("ready")
    app = init.start(run, ["sh", "-c", "setsid sh -c 'trap \"\" TERM; touch %s; sleep 60' & "
                           "while [ ! -e %s ]; do sleep 0.01; done; exit 0" % (ready, ready)])
    app.must_end(0)
    run.must(not run.processes(), "it goes on")


@spec("a pause of init, as during a machine's suspension, loses no signal and no exit")
def paused(run, init):
    probe = Probe(run, ends_on=[signal.SIGTERM])
    app = init.start(run, probe.command)
    probe.ready()
    # PID 1 is not stopped from within its namespace; from here it is.
    app.send(signal.SIGSTOP)
    app.send(signal.SIGTERM)
    app.send(signal.SIGUSR1)
    time.sleep(0.5)
    app.send(signal.SIGCONT)
    app.must_end(0)
    run.must(signal.SIGTERM in probe.heard(), "heard %s" % probe.heard())


@spec("an idle init does not wake up")
def idle(run, init):
    app = init.start_sleeper(run)
    time.sleep(0.2)
    pid = app.pid
    before = procfs.wake_ups(pid)
    time.sleep(2)
    run.must(procfs.wake_ups(pid) == before, "%d wake-ups in 2 s"
             % (procfs.wake_ups(pid) - before))


# Says that it is a day later as soon as a file is there; only to who asks for the time of day.
CLOCK = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
  long failed = syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME && access(getenv("CLOCK_STEPPED"), F_OK) == 0) now->tv_sec += 86400;
  return (int)failed;
}
"""


@spec("a clock set one day ahead during a stop changes nothing")
def clock_step(run, init):
    if not shutil.which("cc"):
        raise Skip("no C compiler")
    library, stepped, log = run.path("clock.so"), run.path("stepped"), run.path("said")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"], check=True,
                   input=CLOCK.encode())
    probe = Probe(run)
    with open(log, "wb") as errors:
        app = init.start(run, probe.command, {"deadline": True}, stderr=errors,
                         env=run.environment({"LD_PRELOAD": str(library),
                                              "CLOCK_STEPPED": str(stepped)}))
    probe.ready()
    app.send(signal.SIGTERM)
    time.sleep(0.3)
    stepped.touch()
    began = time.monotonic()
    app.must_end(137)
    run.must(1 < time.monotonic() - began < 3, "it took %.1f s" % (time.monotonic() - began))
    days = {line[:15] for line in log.read_text().splitlines() if line.startswith("time=")}
    run.must(len(days) == 2, "its clock was not set: %s" % days)
