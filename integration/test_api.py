#!/usr/bin/env python3
"""Asking a walwrap that runs: what `stored` is worth, what the API says, who may ask."""

import json
import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "apps"))

import confirmer  # noqa: E402
from lib import checks  # noqa: E402
from lib.harness import APPS, PYTHON, Failure, Skip, binary, case, main, wait_until  # noqa: E402
from lib.scene import Scene  # noqa: E402
from lib.site import free_port  # noqa: E402
from lib.walwrap import restore  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Kills of everything, each right after an answer. The soak does more.
LIES = int(os.environ.get("IT_LIES", "60"))
AT_ONCE = 20  # of them in one case


def confirming(scene, rows, **more):
    """walwrap around the app that confirms, and the file it confirms into."""
    stored = scene.run.path("stored")
    return scene.start([PYTHON, APPS / "confirmer.py", scene.db, stored, rows], **more), stored


def numbers(stored):
    """Numbers that were said to be stored -> the txid of the answer."""
    lines = stored.read_text().split("\n")[:-1] if stored.exists() else []
    pairs = [line.split() for line in lines]
    return {int(number): txid for number, txid in pairs if txid != "-"}


def rows_at(run, scene, *flags):
    """Numbers of the rows in a restored database."""
    output = checks.restored(run, scene.replica, "restored-%d" % random.getrandbits(32), *flags)
    with sqlite3.connect(output) as db:
        found = {row[0] for row in db.execute("select id from rows")}
    db.close()
    output.unlink()
    return found


def api(scene, *words, **how):
    return subprocess.run([binary(), words[0], "--socket", str(scene.socket), *words[1:]],
                          capture_output=True, text=True, env=scene.run.environment(), timeout=60,
                          **how)


def foreign_request(scene):
    return subprocess.run([PYTHON, APPS / "stranger.py", scene.socket], check=True,
                          capture_output=True, text=True).stdout


def ask(scene, path, method="GET"):
    os.environ["WALWRAP_SOCKET"] = str(scene.socket)
    return confirmer.ask(path, method)


def lie_rounds(run, rounds):
    for number in range(rounds):
        scene = Scene(run)
        walwrap, stored = confirming(scene, 100_000)
        target = len(numbers(stored)) + random.randint(1, 8)
        wait_until(lambda: len(numbers(stored)) >= target, 20, "answers")
        walwrap.kill_everything(order=lambda pids: random.sample(pids, len(pids)))
        said = numbers(stored)
        newest = max(said)
        at_txid = rows_at(run, scene, "--txid", said[newest])
        lost = [row for row in said if row not in at_txid]
        run.must(not lost, "round %d: said to be stored and not there: %s" % (number, lost[:5]))
        # A disk that survives in one half of the rounds, none in the other.
        if number % 2:
            scene.wipe()


for part in range(max(1, LIES // AT_ONCE)):
    @case("part %d: all that was reported as stored is there after kill -9 of all" % (part + 1))
    def no_lies(run):
        lie_rounds(run, min(LIES, AT_ONCE))


@case("a wait across crashes of the replicator is answered correctly")
def replicator_dies(run):
    scene = Scene(run)
    walwrap, stored = confirming(scene, 400)
    for _ in range(5):
        time.sleep(0.15)
        pid = walwrap.replicator()
        if pid:
            os.kill(pid, signal.SIGKILL)
    walwrap.must_end(0, seconds=90)
    said = numbers(stored)
    run.must(len(said) > 300, "only %d of 400 were confirmed" % len(said))
    run.must(set(said) <= rows_at(run, scene), "a row that was confirmed is not there")


@case("nothing is reported as stored during an outage of the store, and everything after it")
def outage(run):
    scene = Scene(run)
    walwrap, stored = confirming(scene, 60, env={"WAIT": "300ms"})
    wait_until(lambda: len(numbers(stored)) >= 5, 20, "answers")
    uploads = scene.replica / "ltx" / "0"
    away = scene.replica / "ltx" / "away"
    uploads.rename(away)  # and in its place something that nobody can write to
    uploads.write_text("not a directory")
    time.sleep(0.5)
    before = len(numbers(stored))
    time.sleep(1)
    run.must(len(numbers(stored)) == before, "a commit was said to be stored during the outage")
    uploads.unlink()
    away.rename(uploads)
    walwrap.must_end(0, seconds=90)
    said = numbers(stored)
    run.must(max(said) == 60, "the last row was not confirmed after the outage: %s" % max(said))
    run.must(set(said) <= rows_at(run, scene), "a row that was confirmed is not there")


@case("checkpoints and restarts of the WAL do not prevent the answer to a wait")
def checkpoints(run):
    scene = Scene(run)
    side = ("while :; do sqlite3 %s 'pragma wal_checkpoint(truncate)' >&2; sleep 0.05; done"
            % scene.db)
    stored = run.path("stored")
    walwrap = scene.start(["sh", "-c", "%s & exec %s %s %s %s 200"
                           % (side, PYTHON, APPS / "confirmer.py", scene.db, stored)])
    walwrap.must_end(0, seconds=60)
    run.must(len(numbers(stored)) == 200, "%d of 200 were confirmed" % len(numbers(stored)))


@case("`walwrap status`, `wait` and `flush` have their documented output and exit codes")
def commands(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 20, "--linger"))
    scene.wait_for_rows(20)
    # A database that the app has just made is attached to in a pause of it.
    wait_until(lambda: (shown := api(scene, "status")).returncode == 0 and
               "replicating, healthy" in shown.stdout, 10, "status to say: replicating, healthy")
    run.must(api(scene, "status", "--check").returncode == 0, "not healthy")
    stored = api(scene, "wait", "--json")
    run.must(json.loads(stored.stdout)["stored"] is True, stored)
    run.must(api(scene, "flush").stdout.startswith("stored, txid "), "flush")
    wrong = api(scene, "wait", "--position", "7")
    run.must(wrong.returncode == 2 and "position=7" in wrong.stderr, wrong)
    as_a_run = run.environment({"WALWRAP_DB": str(scene.db),
                                "WALWRAP_REPLICA": "file://%s" % scene.replica})
    asked = subprocess.run([binary(), "status"], capture_output=True, text=True, env=as_a_run)
    run.must("replicating" in asked.stdout, "a run's environment leads to no socket: %s" % asked)
    walwrap.stop()
    gone = api(scene, "status")
    run.must(gone.returncode == 3 and "no answer" in gone.stderr, gone)


def conforms(value, schema, whole, where):
    """Just what docs/openapi.json uses of JSON Schema."""
    if "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if value is None:
        if not schema.get("nullable"):
            raise Failure("%s is null" % where)
        return
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
             "number": (int, float)}
    kind = kinds[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Failure("%s is %r, no %s" % (where, value, schema["type"]))
    if "enum" in schema and value not in schema["enum"]:
        raise Failure("%s is %r, none of %s" % (where, value, schema["enum"]))
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise Failure("%s is %r" % (where, value))
    for name in schema.get("required", ()):
        if name not in value:
            raise Failure("%s has no %s" % (where, name))
    if kind is dict:
        unknown = set(value) - set(schema["properties"])
        if unknown:
            raise Failure("%s has %s, which is not described" % (where, unknown))
        for name, member in value.items():
            conforms(member, schema["properties"][name], whole, "%s.%s" % (where, name))
    for item in value if kind is list else ():
        conforms(item, schema["items"], whole, where + "[]")


@case("`walwrap snapshot` stores one file with which a restore begins, before later uploads")
def snapshot(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 300, "--linger"))
    scene.wait_for_rows(50)
    made = api(scene, "snapshot", "--json")
    run.must(made.returncode == 0, made)
    wait_until(lambda: scene.last_ack() >= 299, 15, "the last row")
    told = json.loads(api(scene, "status", "--json").stdout)["databases"][0]["snapshot"]
    run.must(told["txid"] == json.loads(made.stdout)["txid"], told)
    walwrap.stop()
    (file,) = (scene.replica / "ltx" / "9").iterdir()
    run.must(file.stat().st_size == json.loads(made.stdout)["bytes"], "another size was told")
    # Without what led there, and with what came after.
    last = int(file.stem.split("-")[1], 16)
    for older in (scene.replica / "ltx" / "0").iterdir():
        if int(older.stem.split("-")[1], 16) <= last:
            older.unlink()
    scene.same()


@case("`GET /v1/points` lists what can be restored: both ends of each span")
def points(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 100, "--linger"))
    scene.wait_for_rows(100)
    api(scene, "flush")
    status, body = ask(scene, "/v1/points")
    run.must(status == 200, body)
    spans = json.loads(body)["spans"]
    stored = sorted(path.stem.split("-")[1] for path in (scene.replica / "ltx" / "0").iterdir())
    run.must((spans[0]["first_txid"], spans[-1]["last_txid"]) == (stored[0], stored[-1]), spans)
    run.must(sum(span["points"] for span in spans) == len(stored), "points are missing")
    walwrap.stop()
    for txid in {spans[0]["first_txid"], spans[-1]["last_txid"]}:
        output = checks.restored(run, scene.replica, txid, "--txid", txid)
        with sqlite3.connect(output) as db:
            run.must(db.execute("pragma integrity_check").fetchone() == ("ok",), txid)
        db.close()
    quiet = restore(run, scene.replica, run.path("quiet.db"), "--quiet")
    run.must(quiet == (0, ""), "--quiet says %r" % (quiet,))


@case("docs/openapi.json describes every answer")
def contract(run):
    described = json.loads((ROOT / "docs" / "openapi.json").read_text())
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 20, "--linger"))
    scene.wait_for_rows(20)
    asked = [(path, method.upper(), query) for path, methods in described["paths"].items()
             for method in methods
             for query in ("", "?timeout=x", "?timeout=0", "?db=none.db", "?nothing=1",
                           "?position=%016x-%016x-1" % (1, 2))]
    for path, method, query in asked:
        for verb in {method, "GET", "POST", "DELETE"}:
            status, body = ask(scene, path + query, verb)
            known = described["paths"][path].get(verb.lower())
            if known is None:
                run.must(status == 405, "%s %s: %d" % (verb, path, status))
                continue
            run.must(str(status) in known["responses"],
                     "%s %s%s: %d is not described" % (verb, path, query, status))
            (content,) = known["responses"][str(status)]["content"].items()
            if "json" in content[0]:
                conforms(json.loads(body), content[1]["schema"], described, path + query)
    walwrap.stop()


@case("Prometheus can read the metrics: each name once, described, typed, in base units")
def metrics(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rows", 200, "--linger"))
    scene.wait_for_rows(200)
    api(scene, "flush")
    _, text = ask(scene, "/metrics")
    walwrap.stop()
    table = (ROOT / "docs/monitoring.md").read_text()
    described = set(re.findall(r"^\| `(walwrap_\w+)`", table, re.M))
    types, last = {}, None
    for line in text.splitlines():
        told = re.match(r"# (HELP|TYPE) (\w+) (.+)$", line)
        if told and told[1] == "TYPE":
            run.must(told[2] not in types, "%s comes twice" % told[2])
            types[told[2]] = told[3]
            last = told[2]
            continue
        if told:
            continue
        value = re.match(r'(\w+)(\{(\w+="([^"\\]|\\.)*",?)*\})? (\S+)$', line)
        run.must(value is not None, "no line of the format: %s" % line)
        float(value[5])
        base = value[1]
        if types[last] == "histogram":
            base = re.sub(r"_(bucket|sum|count)$", "", base)
        run.must(base == last, "%s stands under %s" % (line, last))
    absent_here = {"walwrap_last_snapshot_timestamp_seconds", "walwrap_restore_duration_seconds",
                   "walwrap_store_requests_dollars"}
    run.must(described <= types.keys() | absent_here | {"walwrap_lag_seconds"},
             "described and not there: %s" % (described - types.keys() - absent_here))
    for path in ("alerts.yml", "grafana-dashboard.json"):
        used = re.findall(r"walwrap_\w+", (ROOT / "docs/prometheus" / path).read_text())
        known = types.keys() | absent_here
        unknown = {name for name in used
                   if re.sub(r"_(bucket|sum|count)$", "", name) not in known}
        run.must(used and not unknown, "%s uses %s" % (path, unknown))
    alerts = re.findall(r"alert: (\w+)", (ROOT / "docs/prometheus/alerts.yml").read_text())
    run.must(sorted(alerts) == sorted(re.findall(r"^\| `(Walwrap\w+)`", table, re.M)), alerts)
    for name, kind in types.items():
        run.must((kind == "counter") == name.endswith("_total"), "%s is a %s" % (name, kind))
        run.must(not re.search(r"_(ms|kib|mib|milliseconds)(_|$)", name),
                 "%s: no base unit" % name)
        run.must(name in described or name.startswith("walwrap_lag_"),
                 "%s is not in the docs" % name)
    uploads = re.search(r"walwrap_upload_duration_seconds_count\S* (\d+)", text)
    run.must(int(uploads[1]) > 0, "no upload was counted")


@case("the metrics count crashes of the replicator and the restore of a start")
def deaths(run):
    scene = Scene(run)
    scene.start(scene.writer("--rows", 20)).must_end(0)
    scene.wipe()
    walwrap = scene.start(["sleep", "60"])
    wait_until(lambda: scene.socket.exists(), 10, "the socket")
    _, text = ask(scene, "/metrics")
    run.must(re.search(r"^walwrap_replicator_restarts_total 0$", text, re.M), text)
    run.must(re.search(r"^walwrap_restore_duration_seconds\S* [\d.e-]+$", text, re.M), text)
    os.kill(walwrap.wait_for_replicator(), signal.SIGKILL)

    def is_counted():
        answer = ask(scene, "/metrics")
        return answer and "\nwalwrap_replicator_restarts_total 1\n" in answer[1]

    wait_until(is_counted, 15, "the next replicator to say so")
    walwrap.stop()


@case("the network listener answers only with its token, and a bad address exits with 125")
def listener(run):
    scene = Scene(run)
    refused = scene.start(["touch", run.dir / "ran"], "--listen", "0.0.0.0:9090")
    run.must(refused.wait() == 125, "an open listener without a token was accepted")
    run.must("WALWRAP_LISTEN_TOKEN" in "".join(refused.log_lines()), refused.log_lines())
    alone = subprocess.run([binary(), "--listen", "127.0.0.1:9090", "--", "true"],
                           capture_output=True, text=True, env=run.environment())
    run.must(alone.returncode == 0 and "--listen ignored" in alone.stderr, alone)
    port = free_port()
    walwrap = scene.start(["sh", "-c", "echo ${WALWRAP_LISTEN_TOKEN-none}; sleep 60"], "--listen",
                          "127.0.0.1:%d" % port, env={"WALWRAP_LISTEN_TOKEN": "s3cret"})
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--retry-connrefused", "--retry",
            "20", "--retry-delay", "1", "http://127.0.0.1:%d/metrics" % port]
    run.must(subprocess.run(curl, capture_output=True, text=True).stdout == "401", "no token")
    with_token = [*curl, "-H", "Authorization: Bearer s3cret"]
    run.must(subprocess.run(with_token, capture_output=True, text=True).stdout == "200", "with it")
    run.must((run.dir / "app-2.out").read_text() == "none\n", "the app was given the token")
    walwrap.stop()


@case("health fails with a reason while writes are not stored, and recovers afterwards")
def health(run):
    scene = Scene(run)
    walwrap = scene.start(scene.writer("--rate", 50, "--linger"), "--health-max-lag", "1s")
    scene.wait_for_rows(20)
    run.must(api(scene, "status", "--check").returncode == 0, "red from the start")
    uploads, away = scene.replica / "ltx" / "0", scene.replica / "ltx" / "away"
    uploads.rename(away)
    uploads.write_text("not a directory")
    red = wait_until(lambda: (done := api(scene, "status", "--check")).returncode == 1 and done, 20,
                     "health to turn red")
    run.must("Not a directory" in red.stderr, red.stderr)
    run.must(ask(scene, "/healthz")[0] == 503, "healthz")
    uploads.unlink()
    away.rename(uploads)
    wait_until(lambda: api(scene, "status", "--check").returncode == 0, 30, "health to be green")
    walwrap.stop()
    said = [fields["msg"] for fields in walwrap.log()]
    run.must("not stored in time" in said and "stored in time again" in said, said)


@case("another user is refused by the socket's mode and by the user id")
def foreign_user(run):
    if os.geteuid() != 0:
        raise Skip("needs root, to become somebody else")
    scene = Scene(run)
    walwrap = scene.start(["sleep", "60"])
    wait_until(lambda: scene.socket.exists(), 10, "the socket")
    mode = scene.socket.stat().st_mode & 0o777
    run.must(mode == 0o600, "mode %o" % mode)
    denied = foreign_request(scene)
    run.must(denied == "PermissionError\n", denied)
    # Somebody has opened the way: the connection is made, and closed without a word.
    scene.socket.chmod(0o777)
    for directory in (scene.socket.parent, scene.host, run.dir):
        directory.chmod(0o755)
    dropped = foreign_request(scene)
    run.must(dropped == "connected\n", dropped)
    walwrap.stop()


if __name__ == "__main__":
    main(jobs=2)
