#!/usr/bin/env python3
"""Under a service manager, as another user, out of memory: what surrounds an app's life."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

from lib import procfs
from lib.harness import Skip, binary, case, main, wait_until
from lib.scene import Scene

LONG = ["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done"]
UID, GID = 54321, 54322  # nobody's


class Manager:
    """Listens where NOTIFY_SOCKET says."""

    def __init__(self, run):
        self.path = run.path("notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(5)
        self.environment = {"NOTIFY_SOCKET": str(self.path)}

    def hears(self):
        """The next message, as a dictionary."""
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())


@case("systemd gets READY when the app runs, STOPPING with its duration, and the watchdog")
def manager(run):
    listener = Manager(run)
    walwrap = Scene(run).start(LONG, "--grace", "20s",
                               env={**listener.environment, "WATCHDOG_USEC": "400000"})
    first = listener.hears()
    run.must(int(first["EXTEND_TIMEOUT_USEC"]) >= 30_000_000, "while preparing: %s" % first)
    said = [listener.hears() for _ in range(4)]
    run.must(any(message.get("READY") == "1" for message in said), "no READY in %s" % said)
    run.must(sum("WATCHDOG" in message for message in said) >= 2, "no watchdog in %s" % said)
    walwrap.process.send_signal(signal.SIGTERM)
    while "STOPPING" not in (message := listener.hears()):
        pass
    run.must(19_000_000 < int(message["EXTEND_TIMEOUT_USEC"]) <= 20_000_000, str(message))
    walwrap.must_end(0, flush="nothing")


@case("--notify app leaves READY and the watchdog to the app, --notify off sends nothing")
def app_speaks(run):
    listener = Manager(run)
    look = ["sleep", "0.3"]
    env = {**listener.environment, "WATCHDOG_USEC": "100000"}
    walwrap = Scene(run).start(look, "--notify", "off", env=env)
    walwrap.must_end(0, flush="nothing")
    listener.socket.settimeout(0.1)
    try:
        run.must(False, "it said %s" % listener.hears())
    except TimeoutError:
        pass
    listener.socket.settimeout(5)
    walwrap = Scene(run).start(look, "--notify", "app", env=env)
    walwrap.must_end(0, flush="nothing")
    said = []
    while "STOPPING" not in (message := listener.hears()):
        said.append(message)
    run.must(not any("READY" in message or "WATCHDOG" in message for message in said), str(said))


@case("--ready-file exists while the app runs, and --ready-fd gets a newline at its start")
def ready(run):
    path = run.path("ready")
    path.write_text("of an earlier life")
    walwrap = Scene(run).start(LONG, "--ready-file", path)
    pid = int(wait_until(lambda: path.exists() and path.read_text() != "of an earlier life"
                         and path.read_text(), 5, "the ready file"))
    run.must(pid in procfs.children(walwrap.pid), "%d is not the app" % pid)
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.must_end(0, flush="nothing")
    run.must(not path.exists(), "it is there after the stop")
    heard = run.path("heard")
    os.mkfifo(heard)
    # The descriptor is opened by a shell that walwrap replaces.
    shell = subprocess.Popen(
        ["sh", "-c", 'exec "$@" 7>%s' % heard, "sh", binary(), "--ready-fd", "7", "--db",
         run.path("other.db"), "--replica", "file://%s" % run.path("copy", "x").parent, "--", "sh",
         "-c", "ls -l /proc/$$/fd | grep -c heard; sleep 60"],
        env=run.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with open(heard, "rb") as reader:
        run.must(reader.read() == b"\n", "the descriptor said something else")  # to its end
    run.must(shell.stdout.readline() == b"0\n", "the app has the descriptor as well")
    shell.send_signal(signal.SIGTERM)
    run.must(shell.wait(5) == 143, "status %s" % shell.returncode)


@case("--ready-fd with a closed descriptor exits with 125 and says what to type")
def no_descriptor(run):
    walwrap = Scene(run).start(["touch", run.dir / "ran"], "--ready-fd", "99")
    run.must(walwrap.wait() == 125, "not refused")
    run.must("99>FILE" in "".join(walwrap.log_lines()), "it says %s" % walwrap.log_lines())
    run.must(not (run.dir / "ran").exists(), "the app ran")


@case("--user runs the app as that user, who owns the restored database and the files beside it")
def user(run):
    if os.geteuid() != 0:
        raise Skip("only root can start the app as another user")
    scene = Scene(run)
    scene.must_be_stored(scene.start(scene.writer("--rows", 50)))
    shutil.rmtree(scene.host)
    run.dir.chmod(0o777)  # the app's acknowledgements lie there
    for path in run.dir.glob("ack*"):
        os.chown(path, UID, GID)
    # The database's directory is made anew, as on a new host.
    walwrap = scene.start(scene.writer("--rows", 20, "--check"), "--user", "%d:%d" % (UID, GID))
    scene.must_be_stored(walwrap)
    made = [scene.host, *scene.host.iterdir(), *scene.host.glob(".*/*")]
    run.must(len(made) >= 4, "made only %s" % made)
    for path in made:
        status = path.stat()
        run.must((status.st_uid, status.st_gid) == (UID, GID), "%s is %d's" % (path, status.st_uid))


@case("--user with an unknown name, or without the right to it, exits with 125 and a hint")
def no_user(run):
    for nobody, who, said in ((False, "no-such-user", "UID:GID"),
                              (True, "0:0", "start walwrap as")):
        walwrap = Scene(run).start(["touch", run.dir / "ran"], "--user", who, nobody=nobody)
        run.must(walwrap.wait() == 125, "not refused")
        run.must(said in "".join(walwrap.log_lines()), "it says %s" % walwrap.log_lines())
        run.must(not (run.dir / "ran").exists(), "the app ran")


@case("init and replicator keep only the capabilities they need, and the app gains none")
def capabilities(run):
    if os.geteuid() != 0:
        raise Skip("there are none to give up")
    walwrap = Scene(run).start(LONG)
    replicator = walwrap.wait_for_replicator()
    wait_until(lambda: "up" in (run.dir / "app-1.out").read_text(), 5, "the app")
    chown, override, fowner, kill = 1, 1 << 1, 1 << 3, 1 << 5
    for pid, allowed in ((walwrap.pid, chown | override | fowner | kill),
                         (replicator, chown | override | fowner)):
        wait_until(lambda: procfs.status(pid)["NoNewPrivs"] == "1", 2, "rights to be given up")
        status = procfs.status(pid)
        for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            run.must(int(status[kind], 16) & ~allowed == 0, "%d: %s" % (pid, status[kind]))
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.must_end(0, flush="nothing")


@case("an app that the OOM killer ends exits with 137 and a log line says so")
def out_of_memory(run):
    group = control_group("memory", *MEMORY)
    grow = "x = []\nwhile True: x.append(bytearray(1 << 20))"
    with emptied(group):
        walwrap, log = start_in(run, group, ["/usr/bin/python3", "-c", grow])
        run.must(walwrap.wait(20) == 137, "status %s" % walwrap.returncode)
        run.must("out of memory" in log.read_text(), "nothing says so")


@contextlib.contextmanager
def emptied(group):
    """Removes the group, whose processes have ended by then."""
    try:
        yield
    finally:
        wait_until(lambda: removed(group), 5, "the group to be empty")


def removed(group):
    try:
        group.rmdir()
    except OSError:  # somebody is still in it, or the kernel has not noticed that nobody is
        return False
    return True


def start_in(run, group, command):
    """walwrap as an init only, in the group from its first instruction; and its log."""
    log = run.path("walwrap.log")
    with open(log, "wb") as errors:
        argv = ["sh", "-c", 'echo $$ >%s/cgroup.procs; exec "$@"' % group, "sh", binary(), "--",
                *command]
        return subprocess.Popen(argv, env=run.environment(), stderr=errors), log


def has_version_1(controller):
    lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    return any(controller in line.split(":")[1].split(",") for line in lines)


MEMORY = (("memory.limit_in_bytes" if has_version_1("memory") else "memory.max"), str(128 << 20))


def control_group(controller, limit, value):
    """A group of our own with a limit; Skip where none can be made."""
    root = pathlib.Path("/sys/fs/cgroup")
    group = root / (controller if has_version_1(controller) else "") / (
        "walwrap-%s-%d" % (controller, os.getpid()))
    try:
        group.mkdir()
        (group / limit).write_text(value)
    except OSError as error:
        if group.exists():
            group.rmdir()
        raise Skip("no control group can be made here: %s" % error) from None
    return group


@case("a failed fork of the app is retried until it succeeds")
def no_process(run):
    group = control_group("pids", "pids.max", "1")
    ran = run.path("ran")
    with emptied(group):
        walwrap, log = start_in(run, group, ["touch", ran])
        wait_until(lambda: "app not started yet" in log.read_text(), 5, "the first try to fail")
        run.must(walwrap.poll() is None and not ran.exists(), "it did not wait")
        (group / "pids.max").write_text("max")
        run.must(walwrap.wait(5) == 0, "status %s" % walwrap.returncode)
        run.must(ran.exists(), "the app did not run")


def look(path):
    """Whether it is whole, and its rows, without touching anything beside it."""
    with contextlib.closing(sqlite3.connect("file:%s?immutable=1" % path, uri=True)) as db:
        return (db.execute("pragma integrity_check").fetchall(),
                db.execute("select count(*) from notes").fetchone())


@case("a TERM during a restore ends it within a second with 143, and leaves no partial database")
def stopped_restore(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 20, "--body", 1 << 20, "--rows-per-commit", 4))
    scene.must_be_stored(walwrap)
    written = look(scene.db)
    scene.wipe()
    aborted = 0
    for number in range(30):
        walwrap = scene.start(["sleep", "60"], "--integrity", "full")
        time.sleep(0.01 * number)
        began = time.monotonic()
        walwrap.process.send_signal(signal.SIGTERM)
        # Before its first instruction TERM ends it as it ends any process.
        run.must(walwrap.wait(10) in (143, -signal.SIGTERM), "status %s" % walwrap.wait())
        took = time.monotonic() - began
        started = any("app started" in fields.get("msg", "") for fields in walwrap.log())
        aborted += not started
        # 0.9 s by the supervisor's clock; this one runs beside tests that leave it little CPU.
        run.must(started or took < 2, "it took %.1f s" % took)
        if scene.db.exists():  # it was restored before the signal came
            run.must(look(scene.db) == written, "%s, not %s" % (look(scene.db), written))
            scene.start(["true"]).must_end(0)  # and is taken for what it is
        scene.wipe()
    run.note("%d of 30 before the app" % aborted)
    run.must(aborted > 3, "only %d came before the app" % aborted)


@case("--scrub-env hides the store's credentials from the app and changes nothing else")
def scrubbed(run):
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "c"}
    walwrap = Scene(run).start(["env"], "--scrub-env", env=keys)
    walwrap.must_end(0, flush="nothing")
    seen = (run.dir / "app-1.out").read_text().splitlines()
    run.must("AWS_REGION=c" in seen, "the region is gone")
    run.must(not any("ACCESS_KEY" in line for line in seen), "it sees a key")


@case("--kill-app never waits for an app past its grace and then flushes")
def never_killed(run):
    late = ["sh", "-c", "trap 'sleep 2.5; exit 0' TERM; echo up; while :; do sleep 0.02; done"]
    walwrap = Scene(run).start(late, "--grace", "1s", "--kill-app", "never")
    wait_until(lambda: "up" in (run.dir / "app-1.out").read_text(), 5, "the app")
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.must_end(0, flush="nothing")
    run.must(any("not killed" in fields.get("msg", "") for fields in walwrap.log()),
             "nothing says that the grace has passed")


if __name__ == "__main__":
    main(jobs=2)
