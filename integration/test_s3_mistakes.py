#!/usr/bin/env python3
"""Mistakes that only a new environment can mend end a start soon, and say what to set."""

import time

from lib.harness import case, main
from lib.s3_servers import fresh_replica
from lib.scene import Scene

REFUSED = 125
AT_ONCE_SECONDS, SOON_SECONDS = 5, 25  # three tries in 15 s
NONE = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def mistake(name, seconds, word, env=None, url=lambda url: url):
    @case("a start with %s is refused within %d s with a message" % (name, seconds))
    def check(run):
        replica = fresh_replica("minio")
        replica.url = url(replica.url)
        scene = Scene(run, replica)
        began = time.monotonic()
        walwrap = scene.start(["true"], "--start-timeout", "5m", env=env)
        walwrap.must_end(REFUSED, flush=None, seconds=SOON_SECONDS)
        took = time.monotonic() - began
        said = walwrap.log_path.read_text()
        run.must(took < seconds, "it took %.1f s" % took)
        run.must(word in said, "no %r in: %s" % (word, said))
        run.must(not list(scene.host.iterdir()), "left: %s" % list(scene.host.iterdir()))


mistake("no credentials", AT_ONCE_SECONDS, "set AWS_ACCESS_KEY_ID", NONE)
mistake("a wrong secret key", SOON_SECONDS, "AWS_SECRET_ACCESS_KEY",
        {"AWS_SECRET_ACCESS_KEY": "wrong"})
mistake("an unknown key id", SOON_SECONDS, "AWS_ACCESS_KEY_ID", {"AWS_ACCESS_KEY_ID": "unknown"})
mistake("the bucket does not exist", SOON_SECONDS, "the bucket does not exist",
        url=lambda url: url.replace("s3://", "s3://no-such-"))


@case("a known database starts without access to the store, and the stop names what is missing")
def known(run):
    scene = Scene(run, fresh_replica("minio"))
    scene.start(scene.writer("--rows", 10)).must_end(0)
    walwrap = scene.start(scene.writer("--rows", 10), "--exit-flush-timeout", "2s",
                          env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    walwrap.must_end(74, flush=None)
    scene.app_must_be_unharmed()
    scene.start(["true"]).must_end(0)
    scene.same()


if __name__ == "__main__":
    main(jobs=5)
