#!/usr/bin/env python3
"""The table of docs/operations.md: what walwrap does when a name comes to mean something else.

    IT_NAMES_WRITE=new integration/test_names.py    writes what it sees into the table
    IT_NAMES_WRITE=also integration/test_names.py   adds it to what is there: some cells are a race

"""

import os
import threading

from lib import names, names_table
from lib.harness import Case, Failure, at_end, case, main

WRITES = os.environ.get("IT_NAMES_WRITE")
TABLE = names_table.read()
_lock = threading.Lock()
_history = []
_seen = {}


def history():
    """Shared by all cases; made by the first."""
    with _lock:
        if not _history:
            run = Case("the history of the table")
            at_end(lambda: run.end(keep=False))
            os.chmod(run.dir, 0o777)
            _history.append(names.History(run))
        return _history[0]


def look(run, thing, what, moment):
    """(the answer, what is untrue of it)."""
    one = names.Cell(run, history(), thing, what, moment)
    try:
        one.act()
    except names.NotApplicable:
        return names_table.NOTHING, ""
    return one.answer(), one.untrue()


def register(thing, what):
    @case("%s, %s" % (thing, what))
    def check(run):
        os.chmod(run.dir, 0o777)
        wrong, texts = [], []
        for moment, expected in zip(names.MOMENTS, TABLE[thing, what]):
            words, untrue = look(run, thing, what, moment)
            known = names_table.Answer("?") if WRITES == "new" else expected
            texts.append(known.also(words, untrue))
            why = expected.complaint(words, untrue)
            if why:
                wrong.append("%s: %s" % (moment, why))
        _seen[thing, what] = texts
        if wrong:
            raise Failure("; ".join(wrong))


@at_end
def write_what_was_seen():
    if WRITES and len(_seen) == len(TABLE):
        names_table.write(_seen)


for each in names.OBJECTS:
    for change in names.CHANGES:
        register(each, change)


if __name__ == "__main__":
    main(jobs=4)
