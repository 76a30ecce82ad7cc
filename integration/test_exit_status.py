#!/usr/bin/env python3
"""However the app ends, its status comes through and every acknowledged row is stored."""

import os
import signal
import time

from lib.harness import PYTHON, case, main
from lib.scene import Scene

STATUSES = {"0": 0, "1": 1, "7": 7, "143": 143, "kill": 137}


def ends_by_itself(how, status):
    @case("an app that ends by itself with %s gives status %d, all rows stored" % (how, status))
    def check(run):
        scene = Scene(run)
        walwrap = scene.start(scene.writer("--seconds", 0.4, "--end", how))
        scene.must_be_stored(walwrap, status)


def ends_on_term(how, status):
    @case("an app that ends on TERM with %s gives status %d, all rows stored" % (how, status))
    def check(run):
        scene = Scene(run)
        walwrap = scene.start(scene.writer("--on-term", how))
        scene.wait_for_rows(200)
        walwrap.process.send_signal(signal.SIGTERM)
        scene.must_be_stored(walwrap, status)


for how, status in STATUSES.items():
    ends_by_itself(how, status)
    ends_on_term(how, status)


@case("an app that ignores TERM is killed with 137 early enough to store every row")
def ignores_term(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--on-term", "ignore"), "--grace", "5s")
    scene.wait_for_rows(200)
    started = time.monotonic()
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.process.wait(20)
    took = time.monotonic() - started
    scene.must_be_stored(walwrap, 137)
    run.must(took < 5, "the stop took %.1f s of a grace of 5 s" % took)


@case("a stopped app (SIGSTOP) gets TERM")
def stopped_app(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer(), "--grace", "10s")
    scene.wait_for_rows(50)
    os.kill(scene.app_starts()[0], signal.SIGSTOP)
    walwrap.process.send_signal(signal.SIGTERM)
    scene.must_be_stored(walwrap, 0)


@case("a platform that sends TERM three times within a second loses no row")
def term_repeated(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows-after-term", 2000))
    scene.wait_for_rows(200)
    for _ in range(3):
        walwrap.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    scene.must_be_stored(walwrap, 0)


@case("every row of an app that runs for 50 ms is stored")
def short_life(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 10))
    scene.must_be_stored(walwrap)
    run.must(len(scene.acks()) == 10, "%d rows acknowledged" % len(scene.acks()))


@case("every row of a database created after 3 s, just before the app ends, is stored")
def created_late(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--delay", 3, "--rows", 10))
    scene.must_be_stored(walwrap)


@case("every row of a database created after 3 s and written for a while is stored")
def created_late_and_used(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--delay", 3, "--seconds", 2))
    scene.must_be_stored(walwrap)


@case("an app that never creates its database ends with its status 7 and stores nothing")
def never_created(run):
    scene = Scene(run)
    walwrap = scene.start(["sh", "-c", "exit 7"])
    walwrap.must_end(7, flush=None)
    run.must(not list(scene.replica.glob("ltx/*/*.ltx")), "something was stored")


def outlives_its_shell(name, shell, *flags):
    @case(name)
    def check(run):
        scene = Scene(run)
        words = " ".join("'%s'" % word for word in scene.writer(*flags))
        walwrap = scene.start(["sh", "-c", shell % words], "--grace", "10s")
        scene.wait_for_rows(200)
        walwrap.process.send_signal(signal.SIGTERM)
        scene.must_be_stored(walwrap, 143)


outlives_its_shell("a writer that outlives its shell is stopped, and every row is stored",
                   "%s & wait", "--rows-after-term", 300)
outlives_its_shell("a writer in its own session is killed, and every row is stored",
                   "setsid %s & wait", "--on-term", "ignore")


@case("a shell that leaves a writer behind gives its own status, and every row is stored")
def left_behind(run):
    scene = Scene(run)
    words = " ".join("'%s'" % word for word in scene.writer())
    walwrap = scene.start(["sh", "-c", "%s & sleep 1; exit 7" % words])
    scene.must_be_stored(walwrap, 7)


@case("a missing command exits with 127, and one that cannot be executed with 126")
def no_command(run):
    scene = Scene(run)
    scene.start([run.dir / "no-such-program"]).must_end(127, flush=None)
    scene.start([run.dir]).must_end(126, flush=None)


@case("the app's arguments and its output are unchanged")
def untouched(run):
    scene = Scene(run)
    walwrap = scene.start([PYTHON, "-c", "import sys; print(sys.argv[1:])", "a b", "", "$HOME"])
    walwrap.must_end(0, flush=None)
    out = run.dir.joinpath("app-1.out").read_text()
    run.must(out == "['a b', '', '$HOME']\n", "the app printed %r" % out)


if __name__ == "__main__":
    main(jobs=4)
