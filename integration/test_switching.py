#!/usr/bin/env python3
"""Each line of docs/switching.md as an image would run it: with stand-ins for the apps, in a root
directory of its own, and with a directory in place of the bucket."""

import json
import os
import pathlib
import re
import shlex
import signal
import sqlite3
import subprocess

from lib.harness import binary, case, main, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Commits a row into each database of the line, says so, and ends with 7 on TERM. A tool (the words
# before `&&`) commits one and ends with 0.
APP = """#!/bin/sh
for db in $STUB_DATABASES; do
  sqlite3 -cmd '.timeout 5000' "$db" 'pragma journal_mode=wal; create table if not exists rows(id);
    insert into rows values (1)' >/dev/null || exit 9
done
case "$0 $*" in
  *helper*|*migrate*|*sqlite3def*|*bootstrap*) exit 0;;
esac
trap 'exit 7' TERM
printf '%s\\n' "$@" > "$STUB_STARTED"
while :; do sleep 0.02; done
"""


def lines():
    """Heading -> the block's text."""
    text = (ROOT / "docs/switching.md").read_text()
    return re.findall(r"^## (\d+\. .+?)\n.*?^```dockerfile\n(.*?)^```", text, re.M | re.S)


class Image:
    """What a block says: its environment, entrypoint and command, moved into a directory."""

    def __init__(self, run, block):
        self.host, self.replica = run.path("host"), run.path("replica")
        moved = block.replace("s3://bucket", "file://%s" % self.replica)
        moved = re.sub(r'(?<=[="\s])(/(?:data|usr|root|var|app|directus|start)\b)',
                       lambda m: str(self.host) + m[1], moved)
        words = {name: json.loads(list_) for name, list_ in
                 re.findall(r"^(ENTRYPOINT|CMD) (\[.*\])$", moved, re.M)}
        self.command = words["ENTRYPOINT"] + words.get("CMD", [])
        self.variables = dict(pair.split("=", 1) for line in re.findall(r"^ENV (.+)$", moved, re.M)
                              for pair in shlex.split(line))
        flags = re.findall(r"^(/.+\.db)=", "\n".join(self.command), re.M)
        self.databases = flags or [self.variables["WALWRAP_DB"]]
        self.started = run.path("started")
        self.bin = run.path("bin")

    def prepare(self):
        self.bin.mkdir(exist_ok=True)
        self.replica.mkdir(exist_ok=True)
        for database in self.databases:
            pathlib.Path(database).parent.mkdir(parents=True, exist_ok=True)
        programs = set(re.findall(r"[\w./-]+", " ".join(self.command)))
        for name in ("logpaste", "picoshare", "node", "dstack", "npx", "helper", "memos", "pnpm",
                     "denokv", "sqlite3def", "stockin_api"):
            if name in programs:
                self.write(self.bin / name)
        start = self.host / "start.sh"
        if str(start) in self.command:
            self.write(start)
        (self.host / "schema.sql").touch()

    @staticmethod
    def write(path):
        path.write_text(APP)
        path.chmod(0o755)

    def run(self, run):
        """One life, up to the app; then a stop. Returns the app's words and the exit status."""
        self.prepare()
        self.started.unlink(missing_ok=True)
        env = run.environment({
            **self.variables, "PATH": "%s:%s" % (self.bin, os.environ["PATH"]),
            "STUB_DATABASES": " ".join(self.databases), "STUB_STARTED": str(self.started)})
        with open(run.path("log"), "ab") as log:
            process = subprocess.Popen([binary(), *self.command[1:]], env=env, cwd=self.host,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: self.started.exists() and self.started.read_text(), 20, "the app")
        process.send_signal(signal.SIGINT if "INT:TERM" in self.command else signal.SIGTERM)
        return self.started.read_text().splitlines(), process.wait(20)

    def rows(self):
        counts = []
        for database in self.databases:
            with sqlite3.connect(database) as db:
                counts += db.execute("select count(*) from rows").fetchone()
            db.close()
        return counts

    def wipe(self):
        subprocess.run(["rm", "-rf", str(self.host)], check=True)
        self.host.mkdir()


for heading, block in lines():
    @case("docs/switching.md: %s" % heading)
    def switched(run, block=block):
        image = Image(run, block)
        image.host.mkdir()
        words, status = image.run(run)
        run.must(status == 7, "the app's status was 7, the container's is %d" % status)
        if "CMD" in block and "two words" in block:
            run.must("two words" in words, "the app's words were changed: %s" % words)
        before = image.rows()
        run.must(all(before), "nothing was committed")
        image.wipe()
        _, status = image.run(run)
        run.must(status == 7, "exit status %d on the next host" % status)
        run.must(image.rows() == [2 * count for count in before],
                 "%s rows after %s on the first host" % (image.rows(), before))


@case("docs/switching.md has its twelve lines")
def all_of_them(run):
    run.must(len(lines()) == 12, "%d lines" % len(lines()))


if __name__ == "__main__":
    main(jobs=4)
