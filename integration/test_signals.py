#!/usr/bin/env python3
"""Which signals stop, what the app gets, for how long it is waited for, what its end means."""

import os
import pathlib
import signal
import socket
import time
import types

from lib import procfs
from lib.harness import case, main, wait_until
from lib.scene import Scene

# Says what it gets. It ends with 3 on QUIT and with 0 on USR1, and on nothing else.
TELLER = """
for name in TERM INT HUP USR2; do trap "echo $name" $name; done
trap 'echo QUIT; exit 3' QUIT
trap 'echo USR1; exit 0' USR1
echo ready
while :; do sleep 0.02; done
"""


class Teller:
    """The app above under walwrap, from its `ready` on."""

    def __init__(self, run, *flags, command=("sh", "-c", TELLER)):
        self.walwrap = Scene(run).start(command, *flags)
        self.out = run.dir / "app-1.out"
        self.hears("ready")

    def heard(self):
        return self.out.read_text().split()

    def hears(self, word):
        wait_until(lambda: word in self.heard(), 10, "the app to hear %s" % word)

    def send(self, number):
        self.walwrap.process.send_signal(number)


@case("--rewrite TERM:QUIT passes a stop on as QUIT, and the app's status is passed on")
def rewritten(run):
    app = Teller(run, "--rewrite", "TERM:QUIT,HUP:0,USR2:USR1")
    app.send(signal.SIGHUP)
    app.send(signal.SIGTERM)
    app.walwrap.must_end(3, flush=None)
    run.must(app.heard() == ["ready", "QUIT"], "the app heard %s" % app.heard())


@case("--stop-signals QUIT stops on QUIT, and TERM only goes to the app")
def stopped_by_another(run):
    app = Teller(run, "--stop-signals", "QUIT")
    app.send(signal.SIGTERM)
    app.hears("TERM")
    app.send(signal.SIGINT)
    app.hears("INT")
    run.must(app.walwrap.is_running(), "it ended")
    app.send(signal.SIGQUIT)
    app.walwrap.must_end(3, flush=None)


@case("--ok-codes 143 counts an app that a requested TERM ends as a success")
def good_codes(run):
    app = Teller(run, "--ok-codes", "130,143", command=["sh", "-c", "echo ready; exec sleep 60"])
    app.send(signal.SIGTERM)
    app.walwrap.must_end(0, flush=None)
    Scene(run).start(["sh", "-c", "kill -TERM $$"], "--ok-codes", "143").must_end(143, flush=None)


@case("--app-grace 1s kills an app that does not end after 1 s of a grace of 20 s")
def short_grace(run):
    app = Teller(run, "--app-grace", "1s", "--grace", "20s")
    began = time.monotonic()
    app.send(signal.SIGTERM)
    app.walwrap.must_end(137, flush=None)
    took = time.monotonic() - began
    run.must(0.9 < took < 3, "it took %.1f s" % took)


@case("--group sends signals also to the processes of a shell that does not pass them on")
def group(run):
    # The shell ignores USR1 by a trap that does nothing, and waits.
    shell = ["sh", "-c", "trap : USR1; sh -c '%s' & while :; do wait; done"
             % TELLER.replace("'", "'\\''")]
    app = Teller(run, "--group", "--ok-codes", "143", command=shell)
    app.send(signal.SIGUSR1)
    app.hears("USR1")
    app.send(signal.SIGTERM)
    app.walwrap.must_end(0, flush=None)


@case("the app's oom_score_adj is raised by 500, by --app-oom N, or not at all")
def oom(run):
    ours = int(pathlib.Path("/proc/self/oom_score_adj").read_text())
    for flags, raised in ((), 500), (("--app-oom", "200"), 200), (("--app-oom", "0"), 0):
        walwrap = Scene(run).start(["cat", "/proc/self/oom_score_adj"], *flags)
        walwrap.must_end(0, flush=None)
        got = int((run.dir / ("app-%d.out" % walwrap.number)).read_text())
        run.must(got == min(1000, ours + raised), "%s: %d, ours is %d" % (flags, got, ours))


@case("an unknown signal, or one that stops no app, exits with 125 before the app runs")
def refused(run):
    for flags, said in ((("--rewrite", "TERM"), "FROM:TO"), (("--stop-signals", "KILL"), "KILL"),
                        (("--ok-codes", "300"), "0 to 255")):
        walwrap = Scene(run).start(["touch", run.dir / "ran"], *flags)
        run.must(walwrap.wait() == 125, "%s: not refused" % (flags,))
        run.must(said in "".join(walwrap.log_lines()), "%s: %s" % (flags, walwrap.log_lines()))
        run.must(not os.path.exists(run.dir / "ran"), "the app ran")


@case("three signals during the final flush change neither the flush nor the app's status")
def during_flush(run):
    scene = Scene(run)
    walwrap = scene.start(["sh", "-c", "sqlite3 $0 'pragma journal_mode=wal; create table t(x); "
                           "insert into t values (7)' >&2; trap 'exit 3' TERM; echo $$; "
                           "while :; do sleep 0.02; done", scene.db])
    said = run.dir / "app-1.out"
    app = int(wait_until(lambda: said.read_text().split()[-1:], 10, "the app")[0])
    replicator = walwrap.wait_for_replicator()
    os.kill(replicator, signal.SIGSTOP)  # and the flush waits
    walwrap.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not procfs.is_alive(app), 10, "the app to end")
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        walwrap.process.send_signal(number)
        time.sleep(0.2)
        run.must(walwrap.process.poll() is None, "%s ended the flush" % number.name)
    os.kill(replicator, signal.SIGCONT)
    walwrap.must_end(3)
    scene.same(tables=["t"])


@case("three signals while the start waits for a store exit once with 143, without the app")
def during_start(run):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
        port = silent.getsockname()[1]
        replica = types.SimpleNamespace(
            url="s3://bucket/x?endpoint=http://127.0.0.1:%d" % port,
            environment={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                         "AWS_REGION": "r"})
        walwrap = Scene(run, replica).start(["touch", run.dir / "ran"])
        _held, _ = silent.accept()
        walwrap.process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        for number in (signal.SIGINT, signal.SIGTERM):
            walwrap.process.send_signal(number)
        began = time.monotonic()
        run.must(walwrap.wait() == 143, "exit status %s" % walwrap.process.returncode)
        run.must(time.monotonic() - began < 1.5, "it took too long")
    run.must(not os.path.exists(run.dir / "ran"), "the app ran")


if __name__ == "__main__":
    main(jobs=4)
