#!/usr/bin/env python3
"""A Django site with two gunicorn workers moves between hosts, as in scripts/demo."""

from lib import move
from lib.harness import case, main
from lib.site import python_or_skip


@case("a Django site moves under load to an empty machine and back with every acknowledged note")
def site_moves(run):
    python = python_or_skip()
    notes = move.move(python, run.dir, seconds=3)
    run.note("%d notes" % notes)


if __name__ == "__main__":
    main()
