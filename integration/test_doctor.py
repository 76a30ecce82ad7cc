#!/usr/bin/env python3
"""`walwrap doctor` on a directory and on real S3 servers: what it finds, and leaves alone."""

import json
import subprocess

from lib import checks
from lib.harness import binary, case, main
from lib.s3_servers import KINDS, fresh_replica
from lib.scene import Scene
from lib.walwrap import environment_of, url_of

RIGHTS = ("list", "put", "get", "delete", "create-only")


def doctor(run, scene, *flags, env=None):
    """(exit status, {subject: (level, says, type)})."""
    done = subprocess.run(
        [binary(), "doctor", "--json", "--db", str(scene.db), "--replica",
         url_of(scene.replica), *flags],
        env=run.environment(environment_of(scene.replica, env)), capture_output=True, text=True,
        timeout=60)
    found = json.loads(done.stdout)
    run.must(found["version"] == 1 and found["ok"] == (done.returncode == 0),
             "exit %d, and it says %s" % (done.returncode, found["ok"]))
    return done.returncode, {f["subject"]: (f["level"], f["message"], f["hint"])
                             for f in found["findings"]}


def is_well(run, scene):
    scene.start(scene.writer("--rows", 20)).must_end(0)
    stored = checks.stored_bytes(scene.replica)
    status, found = doctor(run, scene)
    run.must(status == 0, "exit %d: %s" % (status, found))
    for right in RIGHTS:
        run.must(found[right][0] == "ok", "%s: %s" % (right, found[right]))
    run.must("in WAL mode" in found["database"][1], found["database"])
    run.must(checks.stored_bytes(scene.replica) == stored, "the replica has changed")
    scene.same()
    return found


@case("doctor accepts a working directory, and leaves an empty one empty")
def directory(run):
    is_well(run, Scene(run))
    fresh = Scene(run, run.path("empty", "x").parent)
    status, found = doctor(run, fresh)
    run.must(status == 0 and found["put"][0] == "ok", "exit %d: %s" % (status, found))
    left = sorted(fresh.replica.rglob("*"))
    run.must(not left, "left behind: %s" % left)


for kind in KINDS:
    @case("doctor recognises %s with every right and leaves it unchanged" % kind)
    def bucket(run, kind=kind):
        found = is_well(run, Scene(run, fresh_replica(kind)))
        run.must("environment" in found["credentials"][1], found["credentials"])
        run.must(("TLSv1" in found["store"][1]) == kind.endswith("tls"), found["store"])
        run.must(found["clock"][0] == "ok", found["clock"])


@case("doctor reports HTTP/2 where the URL asks for it, and HTTP/1.1 elsewhere")
def http2(run):
    scene = Scene(run, fresh_replica("http2"))
    run.must("HTTP/2" not in is_well(run, scene)["store"][1], "HTTP/2 though nobody asked for it")
    scene.replica.url += "&http=2"
    run.must("HTTP/2" in is_well(run, scene)["store"][1], "not HTTP/2")


@case("doctor distinguishes wrong credentials, no bucket and no answer, each with a hint")
def refused(run):
    scene = Scene(run, fresh_replica("minio"))
    status, found = doctor(run, scene, env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    level, says, advice = found["store"]
    run.must(status == 1 and level == "problem" and advice, found["store"])
    good = scene.replica.url
    scene.replica.url = good.replace(scene.replica.client.bucket, "no-such-bucket")
    status, found = doctor(run, scene)
    run.must(status == 1 and "the bucket does not exist" in found["store"][1], found["store"])
    scene.replica.url = "s3://bucket/app?endpoint=http%3A%2F%2F127.0.0.1%3A1"
    status, found = doctor(run, scene)
    run.must(status == 1 and "refused" in found["store"][1] and found["store"][2],
             found["store"])
    run.note(says)


if __name__ == "__main__":
    main(jobs=2)
