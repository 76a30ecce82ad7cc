#!/usr/bin/env python3
"""Writers killed at random over a database under walwrap; then the replica must be the database.

IT_TORTURE_KILLS sets how many kills (100), IT_TORTURE_SECONDS the limit (60), IT_SEED replays.
"""

import os
import random
import shutil
import signal
import time

from lib import checks, procfs
from lib.harness import PYTHON, ROOT, case, main
from lib.scene import Scene

TORTURE = ROOT / "tests" / "torture"
KILLS = int(os.environ.get("IT_TORTURE_KILLS", "100"))
SECONDS = float(os.environ.get("IT_TORTURE_SECONDS", "60"))
WRITERS = 4
KILLS_PER_SECOND = 8
MOST_COMPARED = 12
SURELY_MERGED = 125  # uploads: sixty, and as many again where the replicator has just begun anew
KEEP = 150  # below the writers' own KEEP: rows this close to the newest are never deleted


def kills_so_far(directory):
    try:
        return int((directory / "kills").read_text())
    except FileNotFoundError:
        return 0


def check_rows(run, output, directory):
    """Each writer's rows are without holes, end at the last acknowledged or later, none undone."""
    total = 0
    with checks.Copy(run, output, "rows") as copy:
        undone = copy.one("select count(*) from torture where n < 0")
        run.must(undone == 0, "%d rows that were rolled back are there" % undone)
        for writer in range(WRITERS):
            lines = (directory / ("ack.%d" % writer)).read_text().split("\n")[:-1]
            acknowledged = int(lines[-1])
            total += acknowledged
            rows = [n for n, in copy.connection.execute(
                "select n from torture where w = ? order by n", (writer,))]
            run.must(rows and rows[-1] >= acknowledged, "writer %d: %d was acknowledged, %s is the"
                     " newest" % (writer, acknowledged, rows[-1:]))
            run.must(rows == list(range(rows[0], rows[-1] + 1)), "writer %d: holes" % writer)
            run.must(rows[0] <= max(1, acknowledged - KEEP), "writer %d: old rows are missing"
                     % writer)
    return total


def tables_of(run, database):
    """A writer that was killed between the two leaves a table that it would have dropped."""
    with checks.Copy(run, database, "tables") as copy:
        tables = copy.tables()
    may_be_left = {"extra%d" % writer for writer in range(WRITERS)}
    run.must(set(tables) - may_be_left == {"torture"}, "tables are %s" % tables)
    return tables


def merged_files_agree(run, replica, seed):
    """At the end of each merged file, the state is the one that the uploads alone lead to."""
    uploads = run.path("uploads", "ltx", "0")
    shutil.copytree(replica / "ltx" / "0", uploads)
    merged = sorted(path for level in range(1, 10) for path in
                    (replica / "ltx" / str(level)).glob("*.ltx"))
    stored = len(list(uploads.iterdir()))
    run.must(merged or stored < SURELY_MERGED, "%d uploads, and none were merged" % stored)
    choice = random.Random(seed)
    for path in choice.sample(merged, min(len(merged), MOST_COMPARED)):
        txid = path.stem.split("-")[1]
        ours, theirs = (checks.restored(run, source, label, "--txid", txid) for source, label in
                        ((replica, "of-merged"), (uploads.parent.parent, "of-uploads")))
        run.must(ours.read_bytes() == theirs.read_bytes(), "%s is not the uploads' state" % path)
        ours.unlink()
        theirs.unlink()
    return len(merged)


def torture(run, replicator_dies):
    seed = int(os.environ.get("IT_SEED", random.randrange(1 << 32)))
    print("     seed %d: %s" % (seed, run.name), flush=True)
    scene = Scene(run)
    directory = run.path("torture", "x").parent
    walwrap = scene.start([PYTHON, TORTURE / "app.py", scene.db, directory, WRITERS,
                           KILLS_PER_SECOND, seed], "--replicate-interval", "2ms")
    deadline, next_death = time.monotonic() + SECONDS, time.monotonic() + 2
    while kills_so_far(directory) < KILLS and time.monotonic() < deadline:
        run.must(walwrap.is_running(), "walwrap ended")
        if replicator_dies and time.monotonic() > next_death:
            procfs.send(walwrap.wait_for_replicator(), signal.SIGKILL)
            next_death = time.monotonic() + 2
        time.sleep(0.05)
    kills = kills_so_far(directory)
    run.must(kills >= KILLS, "only %d kills in %g s" % (kills, SECONDS))
    walwrap.process.send_signal(signal.SIGTERM)
    walwrap.must_end(0)
    complaints = (directory / "complaints").read_text().strip()
    run.must(not complaints, "a writer said: %s" % complaints[-300:])
    missed = [line for line in walwrap.log() if "not captured" in line.get("msg", "")]
    run.must(not missed, "commits were missed: %s" % missed)
    checks.same(run, scene.db, scene.replica, tables=tables_of(run, scene.db))
    total = check_rows(run, checks.restored(run, scene.replica), directory)
    merged = merged_files_agree(run, scene.replica, seed)
    run.note("%d kills, %d rows, %d merged files, seed %d" % (kills, total, merged, seed))


@case("the replica equals the database after %d kill -9 of writers with VACUUM" % KILLS)
def writers_die(run):
    torture(run, replicator_dies=False)


@case("the replica equals the database after %d kill -9 of writers and of the replicator" % KILLS)
def all_die(run):
    torture(run, replicator_dies=True)


if __name__ == "__main__":
    main()
