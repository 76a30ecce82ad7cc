#!/usr/bin/env python3
"""A Django site with two gunicorn workers moves between hosts, as in scripts/demo."""

import subprocess

from lib import move
from lib.harness import Skip, case, main
from lib.site import python_with_django


@case("a Django site moves to an empty host under load and back: every acknowledged note")
def site_moves(run):
    try:
        python = python_with_django()
    except (subprocess.CalledProcessError, OSError) as error:
        raise Skip("Django and gunicorn cannot be installed: %s" % error) from None
    notes = move.move(python, run.dir, seconds=3)
    run.note("%d notes" % notes)


if __name__ == "__main__":
    main()
