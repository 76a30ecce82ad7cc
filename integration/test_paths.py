#!/usr/bin/env python3
"""Which file a database's path means, whose the files are, and what else the app has open."""

import os
import shutil
import sqlite3
import stat
import subprocess

from lib import checks
from lib.harness import PYTHON, Skip, binary, case, main, wait_until
from lib.scene import Scene
from lib.walwrap import Walwrap, restore, url_of

REFUSED = 125
APP_USER, APP_GROUP = 4321, 4322


def linked(run):
    """A scene whose database is a link to one on another directory, which is not there yet."""
    scene = Scene(run)
    scene.target = run.path("disk", "real.db")
    scene.db.symlink_to("../disk/real.db")
    return scene


@case("a database behind a dangling link is stored and restored, and the link stays")
def link(run):
    scene = linked(run)
    scene.start(scene.writer("--rows", 20)).must_end(0)
    run.must(scene.target.with_name(".real.db-walwrap").is_dir(), "no state beside the file")
    run.must(not list(scene.host.glob(".app.db*")), "something is beside the link")
    checks.same(run, scene.target, scene.replica, scene.acks())
    shutil.rmtree(scene.target.parent)
    scene.target.parent.mkdir()
    scene.start(scene.writer("--rows", 20)).must_end(0)
    run.must(scene.db.is_symlink() and scene.target.is_file() and not scene.target.is_symlink(),
             "the restore replaced the link")
    checks.same(run, scene.target, scene.replica, scene.acks())


@case("doctor, status and restore --output follow the link as well")
def link_everywhere(run):
    scene = linked(run)
    walwrap = scene.start(scene.writer("--seconds", 30))
    scene.wait_for_rows(3)
    for command in (["status", "--check"], ["flush"]):
        done = subprocess.run([binary(), *command, "--db", str(scene.db)], capture_output=True,
                              text=True, timeout=20, env=run.environment())
        run.must(done.returncode == 0, "%s: %s" % (command, done.stderr))
    walwrap.stop()
    done = subprocess.run([binary(), "doctor", "--db", str(scene.db), "--replica",
                           url_of(scene.replica)], capture_output=True, text=True, timeout=60,
                          env=run.environment())
    run.must(str(scene.target) in done.stdout, "doctor looks elsewhere: %s" % done.stdout)
    output = run.path("out", "link.db")
    output.symlink_to("file.db")
    status, said = restore(run, scene.replica, output)
    run.must(status == 0 and output.is_symlink() and output.with_name("file.db").is_file(), said)


@case("links in a circle are refused, and a linked directory works")
def circle(run):
    scene = Scene(run)
    scene.db.symlink_to("app.db")
    walwrap = scene.start(["true"])
    walwrap.must_end(REFUSED, flush=None)
    run.must("circle" in walwrap.log_path.read_text(), "no word of it")
    scene.db.unlink()
    link = run.dir / "data"
    link.symlink_to(scene.host)
    writer = scene.writer("--rows", 10)
    Walwrap(run, link / "app.db", scene.replica, writer).must_end(0)
    checks.same(run, scene.db, scene.replica, scene.acks())


@case("a mounted file is restored in place if it is empty, and kept if it is not")
def mounted(run):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise Skip("a mount needs root and unshare")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skip("mount namespaces are not allowed here")
    scene = Scene(run)
    scene.start(scene.writer("--rows", 20)).must_end(0)
    stored = checks.restored(run, scene.replica).read_bytes()
    outside = run.path("outside", "app.db")

    def start(command):
        scene.wipe()
        scene.db.touch()
        script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", str(outside), str(scene.db), binary(),
             "--db", str(scene.db), "--replica", url_of(scene.replica), "--", *command],
            capture_output=True, text=True, timeout=60, env=run.environment())

    for before in (b"", b"walwrap writes a restored database into this file\n".ljust(9000, b"x")):
        outside.write_bytes(before)
        done = start(["true"])
        run.must(done.returncode == 0, done.stderr)
        run.must(outside.read_bytes() == stored, "it was not restored in place")
        run.must("mounted as a file" in done.stderr, "no warning: %s" % done.stderr)
    with sqlite3.connect(outside) as db:
        db.execute("pragma journal_mode = delete")
        db.execute("create table mine(a)")
    db.close()
    mine = outside.read_bytes()
    done = start(["true"])
    run.must(done.returncode == REFUSED, done.stderr)
    run.must(outside.read_bytes() == mine, "a refused start changed it")


@case("a file with two names is replicated under the configured one, with a warning")
def hard_link(run):
    scene = Scene(run)
    scene.start(scene.writer("--rows", 5)).must_end(0)
    os.link(scene.db, scene.host / "other.db")
    walwrap = scene.start(scene.writer("--rows", 5))
    walwrap.must_end(0)
    run.must(any("several names" in line["msg"] for line in walwrap.log()), "no warning")
    scene.same()


def owner_of(path):
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


@case("as root, a restored database belongs to the app's user, who can write to it")
def rights(run):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        raise Skip("only root gives files away")
    scene = Scene(run)
    scene.start(scene.writer("--rows", 20)).must_end(0)
    scene.wipe()
    run.dir.chmod(0o755)
    os.chown(scene.host, APP_USER, APP_GROUP)
    scene.host.chmod(0o750)
    insert = ("import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
              " db.execute('insert into notes values(9, 9, 9)'); db.commit()")
    as_app = ["setpriv", "--reuid=%d" % APP_USER, "--regid=%d" % APP_GROUP, "--clear-groups"]
    if subprocess.run([*as_app, PYTHON, "-c", "import sqlite3"]).returncode != 0:
        raise Skip("another user cannot run %s" % PYTHON)
    scene.start([*as_app, PYTHON, "-c", insert, scene.db]).must_end(0)
    run.must(owner_of(scene.db) == (APP_USER, APP_GROUP, 0o640), "it is %s" % (owner_of(scene.db),))
    with checks.Copy(run, scene.db, "live") as copy:
        run.must((9, 9) in copy.rows(), "the app could not write")

    scene.db.chmod(0o664)
    status, said = restore(run, scene.replica, scene.db, "--force")
    run.must(status == 0, said)
    run.must(owner_of(scene.db) == (APP_USER, APP_GROUP, 0o664), "it is %s" % (owner_of(scene.db),))


@case("a database that the app has open and no --db names is logged once")
def second_database(run):
    scene = Scene(run)
    other = scene.host / "auxiliary.db"
    both = ("import sqlite3, sys, time\n"
            "dbs = [sqlite3.connect(path) for path in sys.argv[1:]]\n"
            "for db in dbs:\n"
            "    db.execute('pragma journal_mode=wal')\n"
            "    db.execute('create table t(a)')\n"
            "    db.commit()\n"
            "time.sleep(60)")
    walwrap = scene.start([PYTHON, "-c", both, scene.db, other])
    named = wait_until(lambda: [line for line in walwrap.log() if "file" in line], 25, "a warning")
    run.must([line["file"] for line in named] == [str(other)], "named: %s" % named)
    run.must("not replicated" in named[0]["msg"] and "--db" in named[0]["hint"], str(named))
    walwrap.stop()


@case("a malformed value is refused with the name of its variable, and no file is created")
def values(run):
    scene = Scene(run)
    replica = url_of(scene.replica)
    for db, url, word in ((" %s" % scene.db, replica, "blank"),
                          ('"%s"' % scene.db, replica, "quot"),
                          ("%s\r" % scene.db, replica, "carriage"), ("~/app.db", replica, "~"),
                          ("$HOME/app.db", replica, "$HOME"), ("%s*" % scene.db, replica, "*"),
                          ("file:%s?vfs=x" % scene.db, replica, "vfs"),
                          (str(scene.db), "", "WALWRAP_REPLICA"),
                          (str(scene.db), "'%s'" % replica, "WALWRAP_REPLICA")):
        done = subprocess.run([binary(), "--", "true"], capture_output=True, text=True, timeout=20,
                              cwd=scene.host,
                              env=run.environment({"WALWRAP_DB": db, "WALWRAP_REPLICA": url}))
        run.must(done.returncode == REFUSED and word in done.stderr, "%r: %s" % (db, done))
    run.must(not list(scene.host.iterdir()), "left: %s" % list(scene.host.iterdir()))
    for db in ("file:%s?mode=rwc" % scene.db, "sqlite://%s" % scene.db, "sqlite:///%s" % scene.db):
        done = subprocess.run([binary(), "--", *map(str, scene.writer("--rows", 3))],
                              capture_output=True, text=True, timeout=20,
                              env=run.environment({"WALWRAP_DB": db, "WALWRAP_REPLICA": replica}))
        run.must(done.returncode == 0, "%r: %s" % (db, done.stderr))
    scene.same()


if __name__ == "__main__":
    main(jobs=4)
