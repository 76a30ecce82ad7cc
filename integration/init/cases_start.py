"""What the app is started with: all that it would have had without an init, and nothing else."""

import json
import os
import resource
import shlex
import signal
import subprocess

from lib import procfs
from lib.harness import wait_until

from .inits import spec

# Prints what a process can know of what it was given.
LOOK = """
import json, os, resource, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def target(n):
    try: return os.readlink("/proc/self/fd/%s" % n)
    except OSError: return None
mask = os.umask(0); os.umask(mask)
print(json.dumps({
    "signals": {k: status[k].strip() for k in ("SigBlk", "SigIgn", "SigCgt")},
    "rights": {k: status[k].strip() for k in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff",
                                              "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")},
    "descriptors": {n: t for n in os.listdir("/proc/self/fd") if (t := target(n))
                    and "/proc/" not in t},
    "environment": dict(os.environ), "cwd": os.getcwd(), "umask": mask, "nice": os.nice(0),
    "limits": {n: resource.getrlimit(getattr(resource, n)) for n in dir(resource)
               if n.startswith("RLIMIT_")},
    "arguments": sys.argv[1:]}))
"""


def look_command():
    return ["/usr/bin/python3", "-S", "-E", "-c", LOOK, "one", "two  words", "", "--", "-x"]


def given(run, init, prepare=None, **how):
    """What the app gets, and what it would have got bare, each started the same way."""
    seen = []
    for argv in (init.argv(look_command()) if init else None, look_command()):
        out = run.path("out-%d" % len(seen))
        with open(out, "wb") as stream:
            done = subprocess.run(init.placed(list(map(str, argv))), stdin=subprocess.DEVNULL,
                                  stdout=stream, stderr=subprocess.DEVNULL, preexec_fn=prepare,
                                  timeout=10, cwd=str(run.dir), env=run.environment(), **how)
        run.must(done.returncode == 0, "status %d" % done.returncode)
        seen.append(json.loads(out.read_text()))
    for what in seen:  # where its output goes is ours to say
        what["descriptors"].pop("1", None)
    return seen


@spec("the app has the same signals, rights, descriptors, environment and limits as without init")
def same(run, init):
    def prepare():
        for number in (signal.SIGTTOU, signal.SIGINT, signal.SIGUSR2, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK,
                               [signal.SIGTTIN, signal.SIGTERM, signal.SIGRTMIN])
        os.umask(0o037)
        os.nice(3)
        resource.setrlimit(resource.RLIMIT_NOFILE, (321, 4321))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    read, write = os.pipe()
    app, bare = given(run, init, prepare, pass_fds=(read, write))
    os.close(read)
    os.close(write)
    for what, value in bare.items():
        run.must(app[what] == value, "%s: %s, bare %s" % (what, app[what], value))


@spec("an ignored SIGCHLD is passed to the app, and so is an empty set of ignored signals")
def dispositions(run, init):
    def ignores_children():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    def ignores_nothing():
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
    for prepare in (ignores_children, ignores_nothing):
        app, bare = given(run, init, prepare)
        run.must(app["signals"] == bare["signals"], "%s, bare %s" % (app["signals"],
                                                                    bare["signals"]))


@spec("the app gets the sockets of a service manager, under its own pid", only="not")
def listening(run, init):
    read, write = os.pipe()
    out = run.path("out")
    look = "[ $LISTEN_PID = $$ ] && echo mine $LISTEN_FDS; readlink /proc/$$/fd/%d" % read
    argv = list(map(str, init.argv(["sh", "-c", look])))
    with open(out, "wb") as stream:
        done = subprocess.run(["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *argv], stdout=stream,
                              env=run.environment({"LISTEN_FDS": "1"}), pass_fds=(read,),
                              timeout=10)
    os.close(read)
    os.close(write)
    run.must(done.returncode == 0, "status %d" % done.returncode)
    said = out.read_text()
    run.must(said.startswith("mine 1\npipe:"), "the app saw %r" % said)


@spec("the app runs and its status is passed on with any standard descriptor closed")
def closed_descriptors(run, init):
    for closed in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"):
        argv = shlex.join(init.placed(init.argv(["sh", "-c", "exit 5"])))
        done = subprocess.run(["sh", "-c", "exec %s %s" % (argv, closed)], env=run.environment(),
                              stderr=subprocess.DEVNULL, timeout=10)
        run.must(done.returncode == 5, "%s: status %d" % (closed, done.returncode))


@spec("an init that is started with SIGCHLD ignored sees the app's end")
def ignored_children(run, init):
    app = init.start(run, ["sh", "-c", "exit 7"],
                     preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    app.must_end(7, 5)


@spec("init keeps neither the app's descriptors nor its directory")
def lets_go(run, init):
    read, write = os.pipe()
    directory = run.path("below", "x").parent
    ready = run.path("ready")
    app = init.start(run, ["bash", "-c", "exec %d>&-; touch %s; exec sleep 60" % (write, ready)],
                     pass_fds=(write,), cwd=str(directory))
    os.close(write)
    wait_until(ready.exists, 5, "the app")
    pid = app.pid
    kept = [os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid)]
    mine = os.readlink("/proc/self/fd/%d" % read)
    os.close(read)
    run.must(mine not in kept, "it keeps a pipe of the app's")
    run.must(os.readlink("/proc/%d/cwd" % pid) == "/", "it stays in the app's directory")
    run.must(any(os.path.realpath("/proc/%d/cwd" % below) == str(directory)
                 for below in app.below()), "the app is elsewhere")


@spec("a standard error that is not read, or is closed, does not block init")
def unread_errors(run, init):
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(write, True)
    must_stop_with_errors_to(run, init, write)
    os.close(read)
    read, write = os.pipe()
    os.close(read)
    must_stop_with_errors_to(run, init, write)


def must_stop_with_errors_to(run, init, write):
    ready = run.path("ready-%d" % write)
    ready.unlink(missing_ok=True)
    app = init.start(run, ["sh", "-c", "trap 'exit 3' TERM; touch %s; while :; do sleep 0.02; done"
                           % ready], stderr=write)
    os.close(write)
    wait_until(ready.exists, 5, "the app")
    app.send(signal.SIGTERM)
    app.must_end(3, 5)


@spec("when memory runs out the kernel kills the app first, and init reports it")
def app_dies_first(run, init):
    app = init.start_sleeper(run)
    scores = {pid: int(open("/proc/%d/oom_score_adj" % pid).read())
              for pid in [app.pid, *app.below()]}
    run.must(all(score > scores[app.pid] for pid, score in scores.items() if pid != app.pid),
             "out of memory the kernel would not take the app first: %s" % scores)
    def sleepers():
        return [pid for pid in app.below() if procfs.name(pid) == "sleep"]
    wait_until(sleepers, 5, "the app to become what it will be")
    for pid in sleepers():
        procfs.send(pid, signal.SIGKILL)
    app.must_end(137, 5)
