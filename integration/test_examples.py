#!/usr/bin/env python3
"""docs/confirming-writes.md: each program there, run as it stands."""

import http.client
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess

from lib import checks
from lib.harness import PYTHON, Skip, case, main, wait_until
from lib.scene import Scene
from lib.site import SITE, Site, free_port, python_or_skip

ROOT = pathlib.Path(__file__).resolve().parent.parent


def examples():
    """Heading of docs/confirming-writes.md -> (language, program), of those that speak HTTP.

    test_client.py runs the others.
    """
    text = (ROOT / "docs/confirming-writes.md").read_text().split("\n## Over HTTP\n")[1]
    return {heading: (language, program) for heading, language, program in
            re.findall(r"^### (.+?)\n.*?^```(\w+)\n(.*?)^```", text, re.M | re.S)}


RUNNERS = {"sh": ("sh", ["sh"]), "python": ("py", [PYTHON]), "javascript": ("js", ["node"]),
           "go": ("go", ["go", "run"]), "php": ("php", ["php"]), "java": ("java", ["java"]),
           "rust": ("rs", ["sh", "-c", "rustc -o $0.program $0 && exec $0.program"])}
NEEDS = {"rust": "rustc"}

for heading, (language, program) in examples().items():
    if heading.startswith("Django"):
        continue

    @case("docs/confirming-writes.md: %s says when a commit is stored" % heading)
    def example(run, language=language, program=program):
        ending, words = RUNNERS[language]
        needed = NEEDS.get(language, words[0])
        if not shutil.which(needed):
            raise Skip("%s is not installed" % needed)
        path = run.path("example." + ending)
        path.write_text(program)
        scene = Scene(run)
        commit = ("sqlite3 $0 'pragma journal_mode=wal; create table rows(id); insert into rows "
                  "values (7)' >&2; exec \"$@\"")
        walwrap = scene.start(["sh", "-c", commit, scene.db, *words, path],
                              env={"HOME": os.environ.get("HOME", "/root"), "GOFLAGS": "-mod=mod",
                                   "GOCACHE": str(run.path("go-cache")), "GO111MODULE": "off"})
        walwrap.must_end(0, seconds=120)
        said = (run.dir / "app-1.out").read_text()
        run.must(re.search(r"[0-9a-f]{16}", said) and "stored" in said, "it said: %s" % said)
        # And where nobody can say so, it does not say so.
        alone = subprocess.run([*words, path], capture_output=True, text=True, timeout=120,
                               env={**os.environ, "WALWRAP_SOCKET": str(run.path("nobody"))})
        run.must(alone.returncode != 0 and "stored 0" not in alone.stdout, alone)


# Commits a row for each POST, and answers 201 through the handler that confirms.
GO_SERVER = """
package main

import (
	"net/http"
	"os"
	"os/exec"
)

func main() {
	http.ListenAndServe("127.0.0.1:"+os.Args[2], Confirmed(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			sql := "pragma busy_timeout=5000; create table if not exists t(a); insert into t values(1)"
			if r.Method != "POST" {
				sql = "select 1"
			}
			if exec.Command("sqlite3", os.Args[1], sql).Run() != nil {
				w.WriteHeader(500)
				return
			}
			w.WriteHeader(201)
		})))
}
"""


@case("docs/confirming-writes.md: a Go handler answers a POST when it is stored, else with 503")
def go_handler(run):
    if not shutil.which("go"):
        raise Skip("go is not installed")
    scene, port = Scene(run), free_port()
    (program,) = [text for heading, (_, text) in examples().items() if heading == "Go"]
    run.path("go", "confirm.go").write_text(program[:program.index("func main()")])
    run.path("go", "server.go").write_text(GO_SERVER)
    environment = {**os.environ, "GO111MODULE": "off", "GOCACHE": str(run.path("go-cache"))}
    subprocess.run(["go", "build", "-o", str(run.path("server")), "confirm.go", "server.go"],
                   check=True, cwd=run.path("go", "x").parent, env=environment)
    walwrap = scene.start([run.path("server"), scene.db, port])

    def answer(method):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request(method, "/")
            return connection.getresponse().status
        except OSError:
            return None

    wait_until(lambda: answer("GET"), 10, "the server")
    for number in range(5):
        run.must(answer("POST") == 201, "row %d was not stored" % number)
        output = checks.restored(run, scene.replica, str(number))
        with sqlite3.connect(output) as db:
            run.must(db.execute("select count(*) from t").fetchone() == (number + 1,), number)
        db.close()
    (scene.replica / "ltx" / "0").rename(scene.replica / "ltx" / "away")
    (scene.replica / "ltx" / "0").write_text("not a directory")
    run.must(answer("POST") == 503, "a row was confirmed during an outage")
    run.must(answer("GET") == 201, "a read waited for the store")
    (scene.replica / "ltx" / "0").unlink()
    (scene.replica / "ltx" / "away").rename(scene.replica / "ltx" / "0")
    walwrap.stop()


@case("docs/confirming-writes.md: a Django site answers a POST when it is stored, else with 503")
def django(run):
    python = python_or_skip()
    source, host, replica = run.path("site"), run.path("host"), run.path("replica")
    shutil.copytree(SITE, source)
    host.mkdir()
    shown = examples()
    (middleware,) = [program for heading, (_, program) in shown.items()
                     if heading.startswith("Django")]
    function = shown["Python"][1].replace('print("stored", wait_until_stored())', "")
    (source / "confirm.py").write_text(function + middleware)
    with open(source / "settings.py", "a") as settings:
        settings.write('\nMIDDLEWARE = ["confirm.ConfirmWrites"]\n')
    site = Site(python, host, replica, source=source)
    try:
        site.wait_until_it_answers()
        for number in range(10):
            run.must(post_note(site, number) == 201, "note %d was not stored" % number)
            output = checks.restored(run, replica, str(number))
            with sqlite3.connect(output) as db:
                (found,) = db.execute("select count(*) from notes_note").fetchone()
            db.close()
            run.must(found == number + 1, "%d of %d notes are stored" % (found, number + 1))
        (replica / "ltx" / "0").rename(replica / "ltx" / "away")
        (replica / "ltx" / "0").write_text("not a directory")
        run.must(post_note(site, "lost?") == 503, "a note was confirmed during an outage")
        (replica / "ltx" / "0").unlink()
        (replica / "ltx" / "away").rename(replica / "ltx" / "0")
        run.must(site.terminate()[0] == 0, "exit status")
    finally:
        site.kill()


def post_note(site, text):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.request("POST", "/notes", str(text))
    return connection.getresponse().status


if __name__ == "__main__":
    main(jobs=2)
