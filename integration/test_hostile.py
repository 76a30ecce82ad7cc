#!/usr/bin/env python3
"""What an app's user plants, what a limit forbids, what a full disk leaves: nothing is damaged."""

import contextlib
import os
import shutil
import subprocess
import time

from lib.harness import Skip, binary, case, main, wait_until
from lib.scene import Scene
from lib.walwrap import as_nobody

UID, GID = 54321, 54322


@contextlib.contextmanager
def small_disk(run, megabytes):
    """A file system of so many MiB at run.dir/disk."""
    if os.geteuid() != 0:
        raise Skip("only root can mount a small file system")
    place = run.path("disk", "x").parent
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm,mode=755" % megabytes, "tmpfs",
                           str(place)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Skip("no file system can be mounted: %s" % made.stderr.strip())
    try:
        yield place
    finally:
        for pid in run.processes():
            os.kill(pid, 9)
        wait_until(lambda: not run.processes(), 5, "every process to be gone")
        subprocess.run(["umount", str(place)], check=True)


def replica_of(run, megabytes):
    """A scene whose replica holds a database of that size, and whose database is elsewhere."""
    scene = Scene(run)
    size = "PRAGMA journal_mode=WAL; CREATE TABLE blobs(b);" + "".join(
        "INSERT INTO blobs VALUES(randomblob(1000000));" for _ in range(megabytes))
    walwrap = scene.start(["sqlite3", str(scene.db), size])
    walwrap.must_end(0)
    return scene


def restore(scene, place, **how):
    return subprocess.Popen([binary(), "restore", "--output", str(place / "app.db"), "--replica",
                             "file://%s" % scene.replica], env=scene.run.environment(),
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **how)


def leftovers(place):
    return [path for path in place.iterdir() if ".walwrap-restore-" in path.name]


@case("a link made by the app's user in the state directory destroys no file of root")
def planted(run):
    if os.geteuid() != 0:
        raise Skip("only root can start the app as another user")
    scene = Scene(run)
    os.chown(scene.db.parent, UID, GID)
    run.dir.chmod(0o777)  # the app's acknowledgements lie there
    secret = run.path("secret")
    secret.write_text("of root")
    state = scene.db.parent / (".%s-walwrap" % scene.db.name)
    for name in ("pages", "state"):
        for plant in (os.symlink, os.link):
            if state.exists():
                (state / name).unlink(missing_ok=True)
                plant(secret, state / name)
            walwrap = scene.start(scene.writer("--rows", 20), "--user", "%d:%d" % (UID, GID))
            walwrap.must_end(0)
            found = secret.stat()
            run.must(secret.read_text() == "of root" and found.st_uid == 0,
                     "%s by %s: %r of %d" % (name, plant.__name__, secret.read_text(),
                                             found.st_uid))
    shutil.rmtree(state)
    elsewhere = run.path("elsewhere", "x").parent
    state.symlink_to(elsewhere)
    refused = scene.start(scene.writer("--rows", 20), "--user", "%d:%d" % (UID, GID))
    run.must(refused.wait() == 125, "a linked state directory was used")
    run.must("is a link" in refused.log_path.read_text(), "the log does not say why")
    run.must(not list(elsewhere.iterdir()), "something was made behind the link")


@case("the final flush works when the platform refuses new threads")
def no_threads(run):
    scene = Scene(run)
    if os.geteuid() == 0:
        for path in (run.dir, scene.db.parent, scene.replica):
            os.chown(path, 65534, 65534)
    walwrap = scene.start(scene.writer(), nobody=True)
    scene.wait_for_rows(200)
    limited = subprocess.run(as_nobody(["/usr/bin/prlimit", "--nproc=0:0", "--pid",
                                        str(walwrap.wait_for_replicator())]), check=False)
    if limited.returncode != 0:
        raise Skip("no limit can be set for a process that runs")
    scene.wait_for_rows(400)
    walwrap.process.terminate()
    scene.must_be_stored(walwrap, 0)


@case("two killed restores leave no file that blocks the third")
def killed_restores(run):
    scene = replica_of(run, 20)
    with small_disk(run, 50) as place:
        for _ in range(2):
            process = restore(scene, place)
            wait_until(lambda: leftovers(place) or process.poll() is not None, 10, "a file")
            process.kill()
            process.communicate()
            (place / "app.db").unlink(missing_ok=True)  # it was faster
        left = leftovers(place)
        # As large as a kill at the last moment leaves them.
        for path in left:
            with open(path, "r+b") as file:
                os.posix_fallocate(file.fileno(), 0, 20_000_000)
        process = restore(scene, place)
        said = process.communicate()[1]
        run.must(process.returncode == 0, "status %d: %s" % (process.returncode, said))
        run.must(not leftovers(place), "still there: %s" % leftovers(place))
        run.note("%d were left" % len(left))


@case("a start on a disk too small for the database is refused and leaves it unchanged")
def full_disk(run):
    scene = replica_of(run, 20)
    with small_disk(run, 8) as place:
        scene.db = place / "app.db"
        started = time.monotonic()
        walwrap = scene.start(["true"])
        run.must(walwrap.wait() == 125, "it did not refuse")
        run.must(time.monotonic() - started < 5, "it waited for space")
        said = walwrap.log_path.read_text()
        run.must("free space" in said and "8.0 MiB free" in said, said)
        large = [path for path in place.rglob("*") if path.is_file() and path.stat().st_blocks > 64]
        run.must(not large, "left: %s" % large)
        subprocess.run(["mount", "-o", "remount,size=60m", str(place)], check=True)
        again = scene.start(["sqlite3", str(scene.db), "PRAGMA integrity_check"])
        again.must_end(0)


main(jobs=2)
