#!/usr/bin/env python3
"""A second walwrap on the same volume: deploys that start the new one before the old one stops."""

import os
import signal
import sqlite3
import statistics
import subprocess
import time
import urllib.request

from lib import procfs
from lib.harness import binary, case, main, wait_until
from lib.s3_servers import free_port
from lib.scene import Scene
from lib.walwrap import restore

DEPLOYS = int(os.environ.get("IT_DEPLOYS", "12"))
RATE = ("--rate", 200, "--check")  # one command: a deploy is told by it


def lines_with(walwrap, message):
    return [fields for fields in walwrap.log() if message in fields.get("msg", "")]


def serve(scene, *flags):
    """A walwrap whose app is the service: it runs, and commits."""
    walwrap = scene.start(scene.writer(*RATE), *flags)
    scene.wait_for_rows(20)
    return walwrap


def end(scene, walwrap):
    walwrap.process.send_signal(signal.SIGTERM)
    scene.must_be_stored(walwrap)


def run_beside(run, scene, *command):
    return subprocess.run(
        [binary(), "run-beside", "--db", scene.db, "--replica", "file://%s" % scene.replica, "--",
         *command], env=run.environment(), capture_output=True, text=True, timeout=30)


def wait_for_standby(walwrap):
    wait_until(lambda: lines_with(walwrap, "standing by"), 20, "the standby")


@case("deploys that start first lose no row, are never refused, and the app is down for a moment")
def deploys(run):
    scene = Scene(run)
    old = scene.start(scene.writer(*RATE))
    scene.wait_for_rows(50)
    gaps = []
    for _ in range(DEPLOYS):
        new = scene.start(scene.writer(*RATE))
        wait_for_standby(old)
        wait_until(lambda: lines_with(new, "app started"), 20, "the new app")
        gaps.append(gap_between(old, new))
        scene.wait_for_rows(20)
        run.must(old.stop() == 0, "the old one ended with %s" % old.process.returncode)
        old = new
    run.note("without an app, beside its own stop and start: median %.0f ms, at most %.0f ms"
            % (1000 * statistics.median(gaps), 1000 * max(gaps)))
    end(scene, old)


def gap_between(old, new):
    """From the end of the old app to the start of the new one: what walwrap adds to them."""
    def at(walwrap, message):
        return time_of(lines_with(walwrap, message)[0]["time"])
    return at(new, "app started") - at(old, "app ended")


def time_of(text):
    return float(subprocess.run(["date", "-d", text, "+%s.%N"], capture_output=True, check=True,
                                text=True).stdout)


@case("a one-off command is refused within a second, is told what to type, and disturbs nothing")
def one_off(run):
    scene = Scene(run)
    service = serve(scene)
    began = time.monotonic()
    other = scene.start(["touch", run.dir / "ran"])
    run.must(other.wait() == 125, "it ended with %s" % other.process.returncode)
    took = time.monotonic() - began
    run.must(took < 1.5, "it took %.1f s" % took)
    (refusal,) = [fields["reason"] for fields in other.errors() if "reason" in fields]
    run.must("walwrap run-beside -- touch" in refusal, refusal)
    run.must(not (run.dir / "ran").exists(), "it ran")
    scene.wait_for_rows(20)
    run.must(len(scene.app_starts()) == 1, "the service was restarted")
    end(scene, service)


@case("run-beside runs a command while the service runs, and what it writes is replicated")
def beside(run):
    scene = Scene(run)
    service = scene.start(scene.writer("--rate", 100))
    scene.wait_for_rows(20)
    done = run_beside(
        run, scene, "sh", "-c",
        "sqlite3 -cmd '.timeout 5000' %s 'CREATE TABLE extra AS SELECT 7 AS a' && %s "
        "wait --timeout 10s; exit 3" % (scene.db, binary()))
    run.must(done.returncode == 3, "%s: %s" % (done.returncode, done.stderr))
    run.must("stored" in done.stdout, "it waited for nothing: %s" % done.stdout)
    status, said = restore(run, scene.replica, run.dir / "copy.db")
    run.must(status == 0, said)
    with sqlite3.connect(run.dir / "copy.db") as copy:
        run.must(copy.execute("SELECT a FROM extra").fetchone() == (7,), "it is not stored")
    run.must(len(scene.app_starts()) == 1, "the service was restarted")
    service.process.send_signal(signal.SIGTERM)
    service.must_end(0)


@case("run-beside without a service is refused, and runs nothing")
def beside_nothing(run):
    scene = Scene(run)
    done = run_beside(run, scene, "touch", run.dir / "ran")
    run.must(done.returncode == 125 and "no walwrap runs for" in done.stderr, done.stderr)
    nowhere = subprocess.run([binary(), "run-beside", "--", "touch", run.dir / "ran"],
                             env=run.environment(), capture_output=True, text=True, timeout=30)
    run.must(nowhere.returncode == 125 and "set WALWRAP_DB" in nowhere.stderr, nowhere.stderr)
    run.must(not (run.dir / "ran").exists(), "it ran")


@case("another command takes over with --take-over, and the old one's app is gone before it starts")
def take_over(run):
    scene = Scene(run)
    old = serve(scene)
    new = scene.start(scene.writer("--rate", 200, "--linger"), "--take-over")
    wait_for_standby(old)
    wait_until(lambda: len(scene.app_starts()) == 2, 20, "the new app")
    first, second = scene.app_starts()
    run.must(not procfs.is_alive(first) and procfs.is_alive(second), "two apps at a time")
    scene.wait_for_rows(20)
    run.must(old.stop() == 0, "the old one failed")
    end(scene, new)


@case("the address of --listen is handed over, too")
def listener(run):
    scene = Scene(run)
    listen = ("--listen", "127.0.0.1:%d" % free_port())
    old = serve(scene, *listen)
    new = scene.start(scene.writer(*RATE), *listen)
    wait_for_standby(old)
    scene.wait_for_rows(20)
    with urllib.request.urlopen("http://%s/readyz" % listen[1], timeout=5) as answer:
        run.must(answer.status == 200, "status %d" % answer.status)
    run.must(old.stop() == 0, "the old one failed")
    end(scene, new)


@case("with --after-handover exit the old one ends with 0")
def exits(run):
    scene = Scene(run)
    old = serve(scene, "--after-handover", "exit")
    new = scene.start(scene.writer(*RATE))
    old.must_end(0)
    scene.wait_for_rows(20)
    end(scene, new)


@case("a newcomer that dies leaves a standby that exits with 75, so that it is started again")
def no_successor(run):
    scene = Scene(run)
    old = serve(scene, "--handover-timeout", "2s")
    new = scene.start(scene.writer(*RATE))
    wait_for_standby(old)
    new.kill_everything(sorted)
    run.must(old.wait(20) == 75, "the old one ended with %s" % old.process.returncode)
    again = serve(scene)
    end(scene, again)


@case("a newcomer with another replica, or one that it cannot reach, leaves the service alone")
def wrong_replica(run):
    scene = Scene(run)
    service = serve(scene)
    wait_until(lambda: lines_with(service, "attached"), 10, "the database")
    scene.wait_for_rows(50)
    right = scene.replica
    for wrong in (run.path("other", "x").parent, run.dir / "missing" / "replica"):
        scene.replica = wrong
        newcomer = scene.start(scene.writer(*RATE))
        run.must(newcomer.wait() == 125, "it ended with %s" % newcomer.process.returncode)
        run.must("another walwrap has it and goes on" in newcomer.errors()[0]["reason"],
                 newcomer.errors()[0]["reason"])
    scene.replica = right
    scene.wait_for_rows(20)
    run.must(len(scene.app_starts()) == 1, "the service was restarted")
    end(scene, service)


@case("a paused owner is named within seconds, and nothing is started beside it")
def paused(run):
    scene = Scene(run)
    old = serve(scene)
    replicator = old.wait_for_replicator()
    procfs.send(replicator, signal.SIGSTOP)
    try:
        began = time.monotonic()
        new = scene.start(scene.writer(*RATE))
        run.must(new.wait() == 125, "it ended with %s" % new.process.returncode)
        run.must(time.monotonic() - began < 5, "too late")
        run.must("paused" in new.errors()[0]["reason"], new.errors()[0]["reason"])
    finally:
        procfs.send(replicator, signal.SIGCONT)
    run.must(len(scene.app_starts()) == 1, "a second app ran")
    end(scene, old)


@case("a newcomer waits for an owner that stops already")
def stopping(run):
    scene = Scene(run)
    slow = ["sh", "-c", "trap 'sleep 1.5; exit 0' TERM; sqlite3 %s 'PRAGMA journal_mode=WAL; "
            "CREATE TABLE IF NOT EXISTS s(a); INSERT INTO s VALUES(1)'; "
            "while :; do sleep 0.05; done" % scene.db]
    old = scene.start(slow)
    wait_until(lambda: lines_with(old, "attached"), 10, "the database")
    old.process.send_signal(signal.SIGTERM)
    new = scene.start(slow)
    old.must_end(0)
    wait_until(lambda: lines_with(new, "app started"), 10, "the new app")
    new.process.send_signal(signal.SIGTERM)
    new.must_end(0)


@case("an owner that was killed is not waited for")
def killed(run):
    scene = Scene(run)
    old = serve(scene)
    old.kill_everything(sorted)
    began = time.monotonic()
    new = scene.start(scene.writer(*RATE))
    wait_until(lambda: lines_with(new, "app started"), 10, "the new app")
    run.must(time.monotonic() - began < 3, "it waited")
    scene.wait_for_rows(20)
    end(scene, new)


@case("two instances for good: the last one serves, the other stands by, and nothing flaps")
def two_for_good(run):
    scene = Scene(run)
    first = serve(scene)
    second = scene.start(scene.writer(*RATE))
    wait_for_standby(first)
    scene.wait_for_rows(20)
    time.sleep(4)
    run.must(first.is_running() and second.is_running(), "one ended")
    run.must(len(scene.app_starts()) == 2, "%d apps were started" % len(scene.app_starts()))
    run.must(first.stop() == 0, "the standby failed")
    end(scene, second)


main()
