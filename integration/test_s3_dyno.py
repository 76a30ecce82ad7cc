#!/usr/bin/env python3
"""The main job on real S3 servers: MinIO and Ceph RGW, plain and over TLS.

Each case has a bucket of its own, and is the one that a replica in a directory has to pass too.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

from lib import checks, procfs
from lib.harness import ROOT, binary, case, main, wait_until
from lib.s3_servers import KINDS, fresh_replica, shared
from lib.scene import Scene

sys.path.insert(0, str(ROOT / "tests" / "support"))
from hostile_proxy import HostileProxy  # noqa: E402

CYCLES = int(os.environ.get("IT_S3_CYCLES", "4"))
BOOT_BUDGET = 64 * 1024  # bytes uploaded by a boot over a database nobody touched
RESTORE_MEMORY_KIB = 64 * 1024
MOST_LISTINGS = 6        # of a restore
MOST_READS = 200         # 59 uploads, 59 merged files at each of two levels, and what is looked at
LAG_SECONDS = 3.0        # one interval of uploads, on a machine that is not free


def on_each_server(name):
    """Registers function(run, scene) once for each kind of server."""
    def register(function):
        for kind in KINDS:
            case("%s: %s" % (kind, name))(
                lambda run, kind=kind: function(run, Scene(run, fresh_replica(kind))))
        return function
    return register


@on_each_server("dyno cycles, the disk wiped each time: every row of every life")
def dyno_cycles(run, scene):
    for cycle in range(CYCLES):
        check = ["--check"] if cycle else []
        walwrap = scene.start(scene.writer("--rate", 500, "--on-term", 143, *check))
        scene.wait_for_rows(100)
        walwrap.process.send_signal(signal.SIGTERM)
        walwrap.must_end(143)
        scene.app_must_be_unharmed()
        if cycle < CYCLES - 1:
            scene.wipe()
    scene.same()
    run.note("%d rows" % len(scene.acks()))


@case("dyno cycles over HTTP/2 lose no row")
def dyno_cycles_http2(run):
    replica = fresh_replica("http2")
    replica.url += "&http=2"
    dyno_cycles(run, Scene(run, replica))
    spoken = shared("http2").requests.read_text().split()
    run.must(spoken.count("h2") > CYCLES, "HTTP/2 was not spoken: %s" % set(spoken))


@on_each_server("a restore of a large image and many small files stays below 64 MiB")
def restore_memory(run, scene):
    scene.start(scene.writer("--rows", 96, "--body", 1 << 20)).must_end(0)
    scene.start(scene.writer("--rows", 600, "--body", 20000, "--rate", 200),
                "--replicate-interval", "10ms").must_end(0)
    scene.wipe()
    began = time.monotonic()
    walwrap = scene.start(["sleep", "60"])
    replicator = walwrap.wait_for_replicator()
    wait_until(lambda: any(line.get("msg") == "app started" for line in walwrap.log()), 60,
               "the app to start")
    took, peak = time.monotonic() - began, procfs.peak_rss_kib(replicator)
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.must_end(143)
    scene.same()
    run.must(peak < RESTORE_MEMORY_KIB, "the restore took %d KiB" % peak)
    run.note("%d files, %.1f s, %.1f MiB of memory"
             % (len(checks.stored_bytes(scene.replica)), took, peak / 1024))


@on_each_server("64 MiB go up in parts, come back, and the next boot uploads nothing")
def large(run, scene):
    scene.start(scene.writer("--rows", 64, "--body", 1 << 20)).must_end(0)
    before = checks.stored_bytes(scene.replica)
    largest = max(size for size, *_ in before.values())
    scene.start(["true"]).must_end(0)
    uploaded = checks.uploaded_between(before, checks.stored_bytes(scene.replica))
    run.must(uploaded < BOOT_BUDGET, "a boot over an untouched database uploaded %d" % uploaded)
    scene.wipe()
    scene.start(scene.writer("--rows", 5, "--check")).must_end(0)
    scene.same()
    run.note("the largest object has %.1f MiB, the boot uploaded %d bytes"
             % (largest / (1 << 20), uploaded))


@on_each_server("a snapshot under load goes up in parts, and a restore begins with it")
def snapshot(run, scene):
    walwrap = scene.start(scene.writer("--rows", 40, "--body", 1 << 20, "--rate", 20, "--linger"))
    scene.wait_for_rows(20)
    where = ["--socket", str(scene.socket), "--json"]
    made = subprocess.run([binary(), "snapshot", *where], capture_output=True, text=True,
                          timeout=60)
    run.must(made.returncode == 0, made)
    wait_until(lambda: scene.last_ack() >= 39, 30, "the last row")
    told = subprocess.run([binary(), "status", *where], capture_output=True, text=True, timeout=60)
    (database,) = json.loads(told.stdout)["databases"]
    run.must(database["store"]["requests"]["post"] >= 2, database["store"])  # parts
    run.must(database["snapshot"]["txid"] == json.loads(made.stdout)["txid"], database)
    walwrap.stop()
    whole = [size for name, (size, *_) in checks.stored_bytes(scene.replica).items()
             if "0009/" in name]
    run.must(whole == [json.loads(made.stdout)["bytes"]], "snapshots: %s" % whole)
    scene.wipe()
    scene.start(scene.writer("--rows", 5, "--check")).must_end(0)
    scene.same()


@on_each_server("kill -9 of the replicator under load loses no row and spares the app")
def replicator_killed(run, scene):
    walwrap = scene.start(scene.writer("--rate", 500))
    scene.wait_for_rows(50)
    for _ in range(4):
        time.sleep(1)
        os.kill(walwrap.wait_for_replicator(), signal.SIGKILL)
    scene.wait_for_rows(200)
    wait_until(walwrap.replicator, 15, "the replicator to come back")
    walwrap.process.send_signal(signal.SIGTERM)
    scene.must_be_stored(walwrap)
    run.must(len(scene.app_starts()) == 1, "the app was restarted")


@on_each_server("everything killed, restart over the surviving disk, then over an empty one")
def crash(run, scene):
    choice = random.Random(os.environ.get("IT_SEED"))
    walwrap = scene.start(scene.writer("--rate", 1000))
    scene.wait_for_rows(300)
    walwrap.kill_everything(order=lambda pids: choice.sample(pids, len(pids)))
    walwrap = scene.start(scene.writer("--rows", 5, "--check"))
    scene.must_be_stored(walwrap)

    walwrap = scene.start(scene.writer("--rate", 1000, "--check"))
    scene.wait_for_rows(2500)
    moment = time.monotonic()
    walwrap.kill_everything(order=lambda pids: choice.sample(pids, len(pids)))
    scene.wipe()
    scene.start(["true"]).must_end(0)
    with checks.Copy(run, scene.db, "live") as copy:
        rows = {n for _, n in copy.rows()}
    run.must(rows == set(range(1, len(rows) + 1)), "the restored rows are no prefix")
    missing = [at for _, n, at in scene.acks() if n not in rows]
    worst = moment - missing[0] if missing else 0
    run.must(worst <= LAG_SECONDS, "a row acknowledged %.3f s before the crash is lost" % worst)
    run.note("the oldest lost acknowledgement was %.0f ms old" % (worst * 1000))


@case("after more than a thousand uploads a restore takes six listings and reads few files")
def listings(run):
    direct, proxy = fresh_replica("minio"), HostileProxy(shared("minio").port)
    scene = Scene(run, direct)
    try:
        walwrap = scene.start(scene.writer("--rate", 400), "--replicate-interval", "1ms")
        wait_until(lambda: len(direct.stored()) > 1_100, 300, "so many uploads")
        walwrap.process.send_signal(signal.SIGTERM)
        walwrap.must_end(0)
        checks.restored(run, direct.at(proxy.address), "through-the-proxy")
        requests = proxy.requests()
    finally:
        proxy.stop()
    scene.wipe()
    scene.start(scene.writer("--rows", 1, "--check")).must_end(0)
    scene.same()
    lists = sum(seen.kind == "ListObjectsV2" for seen in requests)
    reads = sum(seen.kind == "GetObject" for seen in requests)
    run.must(0 < lists <= MOST_LISTINGS, "%d listings" % lists)
    run.must(reads < MOST_READS, "%d reads" % reads)
    run.note("%d uploads, %d listings, %d reads" % (len(direct.stored()), lists, reads))


if __name__ == "__main__":
    main(jobs=3)
