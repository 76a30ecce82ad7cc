"""At a terminal: `docker run -it` with a shell or anything that reads keys."""

import fcntl
import shlex
import signal
import struct
import subprocess
import termios
import time

from lib import procfs
from lib.harness import wait_until
from lib.terminal import Screen

from .inits import Probe, spec


def at_terminal(run, init, command):
    screen = Screen()
    run.screen = screen  # kept open for as long as the case
    return screen, init.start(run, command, terminal=screen.slave)


def bash(run, init):
    screen, app = at_terminal(run, init, ["bash", "--norc", "--noprofile", "-i"])
    screen.type("PS1='ready> '\n")
    screen.shows("ready> ")
    screen.shows("ready> ")
    return screen, app


@spec("terminal: `exit 3` typed into a shell ends init with 3")
def typed_exit(run, init):
    screen, app = bash(run, init)
    screen.type("exit 3\n")
    app.must_end(3)


@spec("terminal: Ctrl-C ends a program that does not handle it: 130")
def ctrl_c(run, init):
    screen, app = at_terminal(run, init, ["sh", "-c", "echo up; exec sleep 60"])
    screen.shows("up")
    time.sleep(0.1)
    screen.type("\x03")
    app.must_end(130)


@spec("terminal: the app gets Ctrl-C once")
def ctrl_c_once(run, init):
    probe = Probe(run)
    screen, app = at_terminal(run, init, probe.command)
    probe.ready()
    screen.type("\x03")
    probe.hears(signal.SIGINT)
    time.sleep(0.3)
    run.must(probe.heard().count(signal.SIGINT) == 1, "heard %s" % probe.heard())
    run.must(app.is_running(), "it ended")


@spec("terminal: Ctrl-Z does not stop init", only="pid-1")
def ctrl_z(run, init):
    ready = run.path("ready")
    screen, app = at_terminal(run, init, ["sh", "-c", "touch %s; exec sleep 60" % ready])
    wait_until(ready.exists, 5, "the app")
    time.sleep(0.1)
    screen.type("\x1a")
    time.sleep(0.3)
    frozen = [procfs.name(pid) for pid in app.below()
              if procfs.status(pid).get("State", "X")[0] == "T"]
    run.must(not frozen, "frozen: %s" % frozen)


@spec("terminal: Ctrl-Z does not stop init where no shell can continue it", only="not")
def ctrl_z_of_a_leader(run, init):
    ready = run.path("ready")
    screen, app = at_terminal(run, init, ["sh", "-c", "touch %s; exec sleep 60" % ready])
    wait_until(ready.exists, 5, "the app")
    time.sleep(0.1)
    for _ in range(3):
        screen.type("\x1a")
        time.sleep(0.2)
    wait_until(lambda: not frozen(app), 5, "nobody to be frozen")
    run.must(app.is_running(), "it ended")
    screen.type("\x03")
    app.must_end(130)


def frozen(app):
    return [procfs.name(pid) for pid in [app.pid, *app.below()]
            if procfs.status(pid).get("State", "X")[0] == "T"]


@spec("terminal: Ctrl-Z returns the terminal to the shell, and fg returns the app", only="not")
def ctrl_z_under_a_shell(run, init):
    command = shlex.join(init.argv(["sh", "-c", "echo up; exec sleep 61"]))
    screen = Screen()
    run.screen = screen
    shell = subprocess.Popen(["setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"],
                             stdin=screen.slave, stdout=screen.slave, stderr=screen.slave,
                             env=run.environment())
    screen.type("PS1='ready> '\n")
    screen.shows("ready> ")
    screen.shows("ready> ")
    screen.type(command + " | cat\n")
    screen.shows("up")
    screen.shows("up")
    for _ in range(2):
        time.sleep(0.2)
        screen.type("\x1a")
        screen.shows("Stopped")
        screen.type("fg\n")
        screen.shows("sleep 61")
    time.sleep(0.2)
    screen.type("\x03")
    screen.shows("exit=130")
    screen.shows("ready> ")
    screen.type("exit 0\n")
    run.must(shell.wait(5) == 0, "status %d" % shell.returncode)


@spec("terminal: the app gets one signal for a new window size and can read the size")
def window_size(run, init):
    probe = Probe(run)
    screen, app = at_terminal(run, init, probe.command)
    probe.ready()
    fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    probe.hears(signal.SIGWINCH)
    time.sleep(0.2)
    run.must(probe.heard().count(signal.SIGWINCH) == 1, "heard %s" % probe.heard())
    app.send(signal.SIGKILL)
    run.end(keep=True)
    screen, app = bash(run, init)
    fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    screen.type("stty size\n")
    screen.shows("33 99")


@spec("terminal: a hang-up sends the app HUP or TERM, and all its processes end")
def hang_up(run, init):
    probe = Probe(run, ends_on=(signal.SIGHUP, signal.SIGTERM))
    screen, app = at_terminal(run, init, probe.command)
    probe.ready()
    screen.close()
    wait_until(probe.heard, 5, "the app to hear of it")
    app.must_end((0, 129, 143), 5)


@spec("terminal: a shell has job control: stop, list, continue")
def job_control(run, init):
    screen, app = bash(run, init)
    screen.type("sleep 61\n")
    wait_until(lambda: any(procfs.name(p) == "sleep" for p in app.below()), 5, "sleep")
    time.sleep(0.1)
    screen.type("\x1a")
    screen.shows("Stopped")
    screen.type("jobs\n")
    screen.shows("sleep 61")
    screen.type("fg\n")
    screen.shows("sleep 61")
    time.sleep(0.1)
    screen.type("\x03")
    screen.type("echo status $?\n")
    screen.shows("status 130")
    screen.type("exit\n")
    app.wait()


@spec("terminal: the app gets the typed text and its end")
def typed(run, init):
    screen, app = at_terminal(run, init, ["tac"])
    time.sleep(0.2)
    screen.type("first\nsecond\n\x04")
    for word in ("first", "second", "second", "first"):  # as it is typed, and turned round
        screen.shows(word)
    app.must_end(0)


@spec("terminal: the script that started init can read from the terminal again", only="not")
def given_back(run, init):
    command = shlex.join(init.argv(["sh", "-c", "exit 4"]))
    screen = Screen()
    run.screen = screen
    shell = subprocess.Popen(["setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"],
                             stdin=screen.slave, stdout=screen.slave, stderr=screen.slave,
                             env=run.environment())
    screen.type("PS1='ready> '\n")
    screen.shows("ready> ")
    screen.shows("ready> ")
    screen.type("sh -c \"%s; echo status \\$?; read word; echo got \\$word\"\n" % command)
    screen.shows("status 4")
    screen.type("through\n")
    screen.shows("got through")
    screen.type("exit\n")
    run.must(shell.wait(5) == 0, "status %d" % shell.returncode)
