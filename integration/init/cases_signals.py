"""What it does with each signal, and what the app gets of it."""

import concurrent.futures
import ctypes
import os
import random
import signal
import time

from lib import procfs
from lib.harness import wait_until

from .inits import Probe, signal_name, spec

TERM, INT, CONT, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGCONT, signal.SIGKILL
FAULTS = (signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE,
          signal.SIGSEGV, signal.SIGSYS)
JOB_CONTROL = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
NOT_OURS = (KILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE, CONT, *FAULTS, *JOB_CONTROL)
LIMIT = 5


def started(run, init, probe, **wishes):
    app = init.start(run, probe.command, wishes)
    probe.ready()
    return app


def state(pid):
    return procfs.status(pid).get("State", "X")[0]


def app_pid(app):
    """The one child that is not the init's helper."""
    return next(pid for pid in app.below() if "python" in procfs.name(pid))


@spec("each ordinary signal reaches the app with its number, once")
def ordinary(run, init):
    probe = Probe(run)
    app = started(run, init, probe)
    wanted = [n for n in range(1, 32) if n not in NOT_OURS and n not in (TERM, INT)]
    for number in wanted:
        app.send(number)
        probe.hears(number)
    app.send(INT)
    probe.hears(INT)
    got = [n for n in probe.heard() if n != CONT]
    run.must(got == wanted + [INT], "heard %s" % [signal_name(n) for n in got])
    run.must(app.is_running(), "it ended")


@spec("each real-time signal reaches the app")
def real_time(run, init):
    probe = Probe(run)
    app = started(run, init, probe)
    for number in range(34, 65):
        app.send(number)
        probe.hears(number)
    run.must(app.is_running(), "it ended")


@spec("a queued signal reaches the app without its value")
def queued(run, init):
    probe = Probe(run)
    app = started(run, init, probe)
    libc = ctypes.CDLL(None, use_errno=True)
    run.must(libc.sigqueue(app.pid, signal.SIGUSR1, 42) == 0, "sigqueue")
    probe.hears(signal.SIGUSR1)


@spec("a fault signal that another process sends is not passed on")
def faults(run, init):
    for number in FAULTS:
        probe = Probe(run, "probe-%d" % number)
        app = started(run, init, probe)
        app.send(number)
        time.sleep(0.1)
        run.must(number not in probe.heard(), "%s was passed on" % signal_name(number))
        # As PID 1 the kernel protects it; as another process it may die of it as any would.
        run.must(not init.pid_1 or app.is_running(), "PID 1 died of %s" % signal_name(number))
        run.end(keep=True)


@spec("SIGPIPE and SIGCHLD are not passed on")
def for_it_alone(run, init):
    probe = Probe(run)
    app = started(run, init, probe)
    app.send(signal.SIGPIPE)
    app.send(signal.SIGCHLD)
    app.send(signal.SIGUSR1)
    probe.hears(signal.SIGUSR1)
    run.must(signal.SIGPIPE not in probe.heard(), "SIGPIPE was passed on")
    run.must(app.is_running(), "it ended")


@spec("a signal can be rewritten into another one, both can be exchanged, and one can be dropped")
def rewritten(run, init):
    probe = Probe(run)
    app = started(run, init, probe, rewrite="1:10" if init.name != "walwrap" else "1:10,10:1,12:0")
    if init.name != "walwrap":
        app.send(signal.SIGHUP)
        probe.hears(signal.SIGUSR1)
        return
    for sent, heard in ((1, 10), (10, 1)):
        app.send(sent)
        probe.hears(heard)
    app.send(12)
    app.send(signal.SIGWINCH)
    probe.hears(signal.SIGWINCH)
    run.must(probe.heard() == [10, 1, signal.SIGWINCH], "heard %s" % probe.heard())


@spec("an invalid rewriting is refused")
def bad_rewriting(run, init):
    for text in ("1", "1:", ":1", "1:65", "65:1", "a:b", "1:2:3", "-1:2", "1:-2", "9:1"):
        app = init.start(run, ["true"], {"rewrite": text})
        run.must(app.wait() != 0, "%s was taken" % text)


@spec("job control: TSTP stops init and app, and CONT wakes both", only="not")
def suspended(run, init):
    for number in JOB_CONTROL:
        probe = run.path("sleeps-%d" % number)
        app = init.start(run, ["sh", "-c", "touch %s; exec sleep 60" % probe])
        wait_until(probe.exists, LIMIT, "the app")
        child = wait_until(lambda: next((p for p in app.below()
                                         if procfs.name(p) == "sleep"), None), LIMIT, "sleep")
        app.send(number)
        wait_until(lambda: state(child) == "T" and state(app.pid) == "T", LIMIT,
                   "both to be stopped by %s" % signal_name(number))
        app.send(CONT)
        wait_until(lambda: state(child) == "S" and state(app.pid) == "S", LIMIT, "both to go on")
        app.send(KILL)
        app.wait()
        run.end(keep=True)


@spec("job control does not stop PID 1, and the app continues", only="pid-1")
def not_suspended(run, init):
    app = init.start_sleeper(run)
    for number in JOB_CONTROL:
        app.send(number)
    time.sleep(0.2)
    run.must(all(state(pid) != "T" for pid in [app.pid, *app.below()]), "somebody is stopped")


@spec("a stopped app is continued so that it gets TERM")
def stopped_app(run, init):
    probe = Probe(run, ends_on=[TERM])
    app = started(run, init, probe)
    child = app_pid(app)
    procfs.send(child, signal.SIGSTOP)
    wait_until(lambda: state(child) == "T", LIMIT, "the app to be stopped")
    app.send(TERM)
    app.must_end(0, LIMIT)
    run.must(TERM in probe.heard(), "heard %s" % probe.heard())


@spec("an app that ignores TERM is killed before the platform kills it: 137")
def deaf_app(run, init):
    probe = Probe(run)
    app = started(run, init, probe, deadline=True)
    app.send(TERM)
    app.must_end(137, LIMIT)


@spec("a TERM repeated within 2 s counts once, a later one is passed on, and a third one kills")
def repeated(run, init):
    probe = Probe(run)
    app = init.start(run, probe.command, {"deadline": True} if init.name != "walwrap" else {},
                     env=run.environment({"WALWRAP_GRACE": "60s"}))
    probe.ready()
    for _ in range(3):
        app.send(TERM)
        time.sleep(0.1)
    time.sleep(2)
    run.must(probe.heard().count(TERM) == 1, "heard %s" % probe.heard())
    app.send(TERM)
    wait_until(lambda: probe.heard().count(TERM) == 2, LIMIT, "the second TERM")
    app.send(TERM)
    app.must_end(137, LIMIT)


@spec("in group mode the app's group gets the signal, otherwise the app alone")
def group(run, init):
    child = Probe(run, "child")
    shell = ["sh", "-c", "trap : USR1; %s & while :; do wait; done" % child.as_text()]
    app = init.start(run, shell, {"group": True})
    child.ready()
    app.send(signal.SIGUSR1)
    child.hears(signal.SIGUSR1)
    run.end(keep=True)
    if init.name == "dumb-init":
        return
    alone = Probe(run, "alone")
    app = init.start(run, ["sh", "-c", "trap : USR1; %s & while :; do wait; done"
                           % alone.as_text()])
    alone.ready()
    app.send(signal.SIGUSR1)
    time.sleep(0.2)
    run.must(not alone.heard(), "the grandchild heard %s" % alone.heard())


@spec("in group mode TERM ends each process of a pipeline")
def pipeline(run, init):
    ready = run.path("ready")
    app = init.start(run, ["sh", "-c", "sleep 60 | sleep 60 | sleep 60 | (touch %s; sleep 60)"
                           % ready], {"group": True})
    wait_until(ready.exists, LIMIT, "the pipeline")
    app.send(TERM)
    app.must_end((143, 0), LIMIT)
    wait_until(lambda: not run.processes(), LIMIT, "every process to be gone")


def early_terms(run, init, count, spread):
    """How many lives do not end by a TERM at a random moment after their start."""
    lost = []
    choose = random.Random(spread).uniform

    def one(number):
        app = init.start(run, ["sleep", "60"])
        if init.pid_1:
            # What comes before its first instruction, the kernel keeps from PID 1.
            wait_until(lambda: is_up(app.pid), LIMIT, "signals to be blocked")
        time.sleep(choose(0, spread))
        try:
            app.send(TERM)
        except ProcessLookupError:
            pass
        try:
            status = app.wait(3)
        except Exception:
            lost.append(number)
            app.process.kill()
            return
        if status != 128 + TERM:
            lost.append("%d: status %d" % (number, status))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(count)))
    run.must(not lost, "%d of %d lost: %s" % (len(lost), count, lost[:5]))


def is_up(pid):
    """Signals are blocked or handled; one that waits for them shows them as neither."""
    blocked = int(procfs.status(pid).get("SigBlk", "0"), 16)
    caught = int(procfs.status(pid).get("SigCgt", "0"), 16)
    return (blocked | caught) & 1 << (TERM - 1) or procfs.children(pid)


EARLY_TERMS = int(os.environ.get("IT_EARLY_TERMS", 500))


@spec("no TERM is lost that comes within 5 ms of the start")
def very_early(run, init):
    early_terms(run, init, EARLY_TERMS, 0.005)


@spec("no TERM is lost that comes within 50 ms of the start")
def early(run, init):
    early_terms(run, init, EARLY_TERMS, 0.05)
