#!/usr/bin/env python3
"""walwrap as PID 1 of containers whose layers come and go while the replica's volume stays."""

import fcntl
import json
import shutil
import struct
import termios
import time

from lib import checks
from lib.docker import Daemon
from lib.harness import APPS, ROOT, Failure, Skip, case, main, wait_until
from lib.terminal import Screen

EXAMPLE = ROOT / "Dockerfile.example"
APP = """
FROM walwrap-example
RUN command -v python3 >/dev/null || \\
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-minimal \\
     libpython3-stdlib >/dev/null)
COPY writer.py /srv/writer.py
"""


class Host:
    """The daemon, and containers that share one replica and one file of acknowledgements."""

    def __init__(self, run):
        if not EXAMPLE.exists():
            raise Skip("Dockerfile.example is not there")
        self.run = run
        self.daemon = Daemon(run)
        self.replica = run.path("volume", "replica", "x").parent
        self.containers = []

    def build(self):
        self.daemon.build("walwrap-example", EXAMPLE, ROOT)
        context = self.run.path("context", "x").parent
        shutil.copy(APPS / "writer.py", context)
        context.joinpath("Dockerfile").write_text(APP)
        self.daemon.docker("build", "--network", "host", "-t", "walwrap-writer", context)

    def start(self, *flags):
        """A container with an empty layer; walwrap's options come from the environment."""
        done = self.daemon.docker(
            "run", "--detach", *self.image(), "--", "python3", "/srv/writer.py", "/srv/app.db",
            "/volume/ack", *flags)
        self.containers.append(done.stdout.strip())
        return self.containers[-1]

    def start_beside(self, *flags):
        """A container whose database is on the volume, as all that are started this way."""
        done = self.daemon.docker(
            "run", "--detach", *self.image("/volume/app.db"), "--", "python3", "/srv/writer.py",
            "/volume/app.db", "/volume/ack", *flags)
        self.containers.append(done.stdout.strip())
        return self.containers[-1]

    def image(self, database="/srv/app.db"):
        return ("--network", "none", "--volume", "%s:/volume" % self.replica.parent,
                "--env", "WALWRAP_DB=%s" % database,
                "--env", "WALWRAP_REPLICA=file:///volume/replica",
                "--entrypoint", "walwrap", "walwrap-writer")

    def acks(self):
        return checks.acknowledged(self.replica.parent / "ack")

    def wait_for_rows(self, count):
        target = len(self.acks()) + count
        wait_until(lambda: len(self.acks()) >= target, 30, "%d rows" % count)

    def must_have_ended(self, container, status):
        said = self.daemon.docker("logs", container, check=False)
        state = json.loads(self.daemon.docker("inspect", container).stdout)[0]["State"]
        if state["Running"] or state["ExitCode"] != status:
            raise Failure("container: exit code %s, expected %d; its log ends: %s"
                          % (state["ExitCode"], status, said.stderr[-500:]))
        self.run.must("flush=ok" in said.stderr, "no flush=ok: %s" % said.stderr[-500:])

    def end(self):
        for container in self.containers:
            self.daemon.docker("rm", "--force", container, check=False)
        self.daemon.stop()


def move_between_containers(run, host):
    host.build()
    first = host.start()
    host.wait_for_rows(500)
    pid_1 = host.daemon.docker("exec", first, "cat", "/proc/1/comm").stdout.strip()
    run.must(pid_1 == "walwrap", "PID 1 is %s" % pid_1)
    began = time.monotonic()
    host.daemon.docker("stop", first)
    run.note("docker stop took %.2f s" % (time.monotonic() - began))
    host.must_have_ended(first, 0)
    stored = len(host.acks())

    second = host.start("--check", "--rows", 10, "--end", 7)  # 99: a row is not there
    host.daemon.docker("wait", second, timeout=60)
    host.must_have_ended(second, 7)
    run.must(len(host.acks()) == stored + 10, "the second container wrote %d rows"
             % (len(host.acks()) - stored))
    host.daemon.docker("cp", "%s:/srv/app.db" % second, run.path("live", "app.db"))
    checks.same(run, run.path("live", "app.db"), host.replica, host.acks())
    run.note("%d rows" % len(host.acks()))


def deploy_start_first(run, host):
    """As Kamal does it: the new container on the same volume, then the old one is stopped."""
    host.build()
    old = host.start_beside("--check")
    host.wait_for_rows(300)
    for _ in range(3):
        new = host.start_beside("--check")
        try:
            wait_until(lambda: "standing by" in logs_of(host, old), 30, "the hand-over")
        except Failure as failure:
            raise Failure("%s: %s" % (failure, logs_of(host, new)[-800:])) from None
        host.wait_for_rows(300)
        host.daemon.docker("stop", old)
        host.must_have_ended(old, 0)
        old = new
    one_off = host.daemon.docker("run", "--rm", *host.image("/volume/app.db"), "--", "true",
                                 check=False)
    run.must(one_off.returncode == 125 and "run-beside" in one_off.stderr, one_off.stderr[-500:])
    beside = host.daemon.docker("run", "--rm", *host.image("/volume/app.db"), "run-beside", "--",
                                "sh", "-c", "exit 5", check=False)
    run.must(beside.returncode == 5, "run-beside: %s" % beside.stderr[-500:])
    host.daemon.docker("stop", old)
    host.must_have_ended(old, 0)
    checks.same(run, host.replica.parent / "app.db", host.replica, host.acks())
    run.note("%d rows" % len(host.acks()))


def logs_of(host, container):
    return host.daemon.docker("logs", container, check=False).stderr


def work_at_a_shell(run, host):
    """Everything that is typed goes to the app's shell, as without walwrap."""
    host.build()
    screen = Screen()
    shell = host.daemon.start_at(screen.slave, "run", "--interactive", "--tty", "--rm",
                                 *host.image(), "--", "bash", "--norc")
    try:
        screen.shows("# ", 30)
        fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        screen.type("sleep 61\n")
        time.sleep(0.5)
        screen.type("\x1a")
        screen.shows("Stopped")
        screen.type("fg\n")
        screen.shows("sleep 61")
        time.sleep(0.5)
        screen.type("\x03")
        screen.type("echo status $? size $(stty size)\n")
        screen.shows("status 130 size 33 99")
        screen.type("exit 3\n")
        run.must(shell.wait(20) == 3, "status %s" % shell.returncode)
    finally:
        if shell.poll() is None:
            shell.kill()
        screen.close()


@case("docker run -it gives a shell job control, Ctrl-C, the window's size and `exit 3`")
def terminal(run):
    host = Host(run)
    try:
        work_at_a_shell(run, host)
    finally:
        host.end()


@case("docker stop under load loses no row for the next container with an empty layer")
def containers(run):
    host = Host(run)
    try:
        move_between_containers(run, host)
    finally:
        host.end()


@case("a deploy that starts the new container first, on the same volume, loses no row")
def start_first(run):
    host = Host(run)
    try:
        deploy_start_first(run, host)
    finally:
        host.end()


if __name__ == "__main__":
    main()
