"""How it ends: the app's status, its own, what it says about commands that cannot be run."""

import concurrent.futures
import os
import re
import shutil
import signal
import subprocess

from lib import procfs
from lib.harness import Skip, wait_until

from .inits import Probe, signal_name, spec


def run_all(rows, check):
    """Many short lives, four at a time; every failure is raised here."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(check, rows))


@spec("init exits with the app's code, for each code from 0 to 255")
def codes(run, init):
    run_all(range(256), lambda code: init.start(run, ["sh", "-c", "exit %d" % code])
            .must_end(code))


@spec("a configured good code becomes 0 after a stop, and no other code does")
def good_codes(run, init):
    def stopped(code, good):
        ready = run.path("ready-%d-%s" % (code, good == [code]))
        app = init.start(run, ["sh", "-c", "trap 'exit %d' TERM; touch %s; while :; do sleep 0.01; "
                               "done" % (code, ready)], {"ok": good})
        wait_until(ready.exists, 10, "the app")
        app.send(signal.SIGTERM)
        return app
    run_all(range(256), lambda code: stopped(code, [code]).must_end(0, 20))
    if init.name == "walwrap":
        # One flag takes a list; the last one given counts.
        others = [",".join(str(code) for code in range(256) if code != 9)]
    else:
        others = [code for code in range(256) if code != 9]
    stopped(9, others).must_end(9)


@spec("an app that a signal kills gives the exit code 128 + n")
def killed(run, init):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL, signal.SIGSEGV,
                   signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 5):
        init.start(run, ["sh", "-c", "ulimit -c 0; kill -%d $$" % number]).must_end(128 + number)


@spec("TERM, USR1 and USR2 end an app without handlers for them: 143, 138, 140")
def passed_on(run, init):
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        ready = run.path("ready-%d" % number)
        app = init.start(run, ["sh", "-c", "touch %s; exec sleep 60" % ready])
        wait_until(ready.exists, 5, "the app")
        wait_until(lambda: any(procfs.name(pid) == "sleep" for pid in app.below()), 5, "sleep")
        app.send(number)
        app.must_end(128 + number)


@spec("a missing command exits with 127, and one that cannot be executed with 126")
def not_executed(run, init):
    plain = run.path("plain")
    plain.write_text("exit 0")
    init.start(run, ["/no/such/command"]).must_end(127)
    init.start(run, ["no-such-command-anywhere"]).must_end(127)
    init.start(run, [run.dir]).must_end(126)
    init.start(run, [plain]).must_end(126)


@spec("an executable file that cannot be run fails: busy, no interpreter, not a program")
def not_executable(run, init):
    script = run.path("plain-script")
    script.write_text("exit 9\n")
    script.chmod(0o755)
    init.start(run, [script]).must_end(9)  # a shell's, as for every shell
    busy = run.path("busy")
    busy.write_bytes(open("/bin/true", "rb").read())
    busy.chmod(0o755)
    with open(busy, "ab"):
        init.start(run, [busy]).must_end(126)
    missing_interpreter = run.path("script")
    missing_interpreter.write_text("#!/no/such/interpreter\n")
    missing_interpreter.chmod(0o755)
    init.start(run, [missing_interpreter]).must_end((126, 127))


@spec("init without a command prints its usage and fails, and with --help succeeds")
def usage(run, init):
    bare = [word for word in init.words if word != "--"]
    bare = init.placed(bare)
    done = subprocess.run(bare, capture_output=True, env=run.environment(), timeout=10)
    run.must(done.returncode not in (0, 127), "status %d" % done.returncode)
    run.must(len(done.stderr + done.stdout) > 20, "said nothing")
    flag = "--help" if init.name in ("walwrap", "dumb-init", "catatonit") else "-h"
    done = subprocess.run([*bare, flag], capture_output=True, env=run.environment(), timeout=10)
    run.must(done.returncode == 0, "%s: status %d" % (flag, done.returncode))
    done = subprocess.run([*bare, "--no-such-flag", "--", "true"], capture_output=True,
                          env=run.environment(), timeout=10)
    run.must(done.returncode not in (0, 127), "bad flag: status %d" % done.returncode)


@spec("programs named true, false, -h, --version and -- run like any other")
def odd_names(run, init):
    init.start(run, ["true"]).must_end(0)
    init.start(run, ["false"]).must_end(1)
    env = run.environment({"PATH": "%s:%s" % (run.dir, os.environ["PATH"])})
    for name in ("-h", "--version", "--help"):
        program = run.path(name)
        program.write_text("#!/bin/sh\nexit 9\n")
        program.chmod(0o755)
        init.start(run, [name], env=env).must_end(9)
    run.must(init.start(run, ["--", "true"]).wait() != 0, "-- -- true ran true")


@spec("the binary is hardened: position independent, no executable stack, read-only relocations")
def hardened(run, init):
    words = ["readelf", "--wide", "--file-header", "--segments", "--dynamic"]
    told = subprocess.run([*words, shutil.which(init.words[0])], capture_output=True, text=True,
                          check=True).stdout
    run.must(re.search(r"Type:\s+DYN", told), "not position independent")
    run.must(re.search(r"GNU_STACK .* RW ", told), "the stack can be executed")
    run.must("GNU_RELRO" in told, "relocations stay writable")
    run.must("statically" in told or "NOW" in told or "NEEDED" not in told,
             "symbols are bound late, through a table that stays writable")


@spec("valgrind finds no leak and no invalid read or write", only="not")
def under_valgrind(run, init):
    if not shutil.which("valgrind"):
        raise Skip("valgrind is not installed")
    log = run.path("valgrind.log")
    around = ["valgrind", "--quiet", "--leak-check=full", "--error-exitcode=99",
              "--child-silent-after-fork=yes", "--log-file=%s" % log]
    done = subprocess.run([*around, *init.argv(["sh", "-c", "exit 7"])], capture_output=True,
                          env=run.environment(), timeout=60)
    run.must(done.returncode == 7, "status %d: %s" % (done.returncode, log.read_text()[-1000:]))


@spec("the app's standard input and output are passed unchanged")
def pipes(run, init):
    app = init.start(run, ["sort"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = app.process.communicate(b"b\nc\na\n" * 10_000, timeout=10)
    run.must(out == b"a\n" * 10_000 + b"b\n" * 10_000 + b"c\n" * 10_000, "it did not arrive")
    run.must(app.wait() == 0, "status")


def killed_around(run, init):
    """The app of an init that got kill -9."""
    probe = Probe(run)
    app = init.start(run, probe.command)
    probe.ready()
    app.send(signal.SIGKILL)
    return probe


@spec("kill -9 of init ends the app as well", only="not")
def parent_death(run, init):
    probe = killed_around(run, init)
    wait_until(lambda: probe.heard() or not run.processes(), 3, "the app to hear of it")
    run.must(not probe.heard() or probe.heard() == [signal.SIGTERM],
             "it heard %s" % [signal_name(n) for n in probe.heard()])


@spec("a killed PID 1 leaves no process behind", only="pid-1")
def namespace_death(run, init):
    killed_around(run, init)
    wait_until(lambda: not run.processes(), 5, "every process to be gone")
