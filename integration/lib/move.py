"""The demo's story: a Django site moves from host A to host B under load and loses nothing."""

import shutil
import sqlite3
import time

from .harness import Failure
from .site import Clients, Site


def say(text):
    print(text, flush=True)


def must(condition, why):
    if not condition:
        raise Failure(why)


def serve(python, host, replica, label, seconds):
    """One life of the site on one host: load, SIGTERM under load. Returns the notes it
    acknowledged, and the notes it began with."""
    host.mkdir()
    site = Site(python, host, replica)
    clients = None
    try:
        took = site.wait_until_it_answers()
        before = site.get_notes()
        say("  %s answers after %.2f s, with %d notes" % (label, took, len(before)))
        clients = Clients(site.port, label)
        time.sleep(seconds)
        status, took = site.terminate()
        acknowledged = clients.end()
        say("  SIGTERM under load: exit status %d after %.2f s; %d notes acknowledged in %.0f s"
            % (status, took, len(acknowledged), seconds))
        must(status == 0, "exit status %d; see %s" % (status, site.log_path))
        must(acknowledged, "no note was acknowledged; see %s" % site.log_path)
        must(not clients.refused, "%d posts were answered with an error; see %s"
             % (clients.refused, site.log_path))
        return acknowledged, before
    finally:
        if clients:
            clients.end()
        site.kill()


def check_notes(acknowledged, found, where):
    lost = set(acknowledged) - set(found)
    must(not lost, "%d of %d acknowledged notes are not on %s, one of them: %s"
         % (len(lost), len(acknowledged), where, sorted(lost)[:1]))
    say("  all %d acknowledged notes are on %s" % (len(acknowledged), where))


def tables(database):
    with sqlite3.connect(database) as db:
        rows = db.execute("select name from sqlite_master where type = 'table'").fetchall()
    db.close()
    return sorted(name for name, in rows if not name.startswith("sqlite_"))


def move(python, directory, seconds=5):
    """Two moves: A to B, and back to an empty A. Returns how many notes were acknowledged."""
    host_a, host_b, replica = (directory / name for name in ("host-a", "host-b", "replica"))
    replica.mkdir()
    say("Host A, an empty disk and an empty replica:")
    first, found = serve(python, host_a, replica, "host A", seconds)
    must(found == [], "the first host began with %d notes" % len(found))
    say("  host A's disk is wiped")
    shutil.rmtree(host_a)

    say("Host B, an empty disk, the same replica:")
    second, found = serve(python, host_b, replica, "host B", seconds)
    check_notes(first, found, "host B")
    must(tables(host_b / "db.sqlite3") == ["django_migrations", "notes_note"],
         "tables that are not the app's: %s" % tables(host_b / "db.sqlite3"))
    say("  host B's disk is wiped")
    shutil.rmtree(host_b)

    say("Host A again, an empty disk:")
    third, found = serve(python, host_a, replica, "host A again", 1)
    check_notes(first + second, found, "host A")
    return len(first + second + third)
