#!/usr/bin/env python3
"""What scripts/demo runs once everything is built: the site moves, with a summary at the end."""

import os
import pathlib
import shutil
import sys
import tempfile
import time

from lib import move
from lib.harness import Failure, binary
from lib.site import python_with_django


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="walwrap-demo-"))
    started = time.monotonic()
    try:
        python = python_with_django()
        notes = move.move(python, directory)
        stored = [p for p in directory.joinpath("replica").rglob("*") if p.is_file()]
        print()
        print("Lost: 0 of %d notes acknowledged over HTTP, across two moves of the site, each"
              % notes)
        print("stopped by SIGTERM under load and started on an empty disk.")
        print("The replica: %d files, %.1f MiB. walwrap: %.1f MiB. Took %.0f s."
              % (len(stored), sum(p.stat().st_size for p in stored) / 2**20,
                 os.path.getsize(binary()) / 2**20, time.monotonic() - started))
    except Failure as failure:
        print("\nFAILED: %s" % failure)
        for log in sorted(directory.glob("*.log")):
            print("-- the end of %s" % log)
            print("\n".join(log.read_text(errors="replace").splitlines()[-20:]))
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
