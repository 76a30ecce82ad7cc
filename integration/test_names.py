#!/usr/bin/env python3
"""What a name comes to mean: each file and directory that walwrap knows by its name is removed,
replaced, linked, cut and made unreadable, before a start, while it runs, between the app's end and
the verdict, and after a crash. No cell is `flush=ok` without a restore that is equal, and each
ends as the table in docs/operations.md says.

    IT_NAMES=database/foreign/running integration/test_names.py      one cell; a comma between more
    IT_NAMES_WRITE=new integration/test_names.py                     writes these cells' answers
    IT_NAMES_WRITE=also integration/test_names.py                    adds answers that it lacks
    IT_NAMES_FAULTS=FILE integration/test_names.py                   appends what breaks the rule
"""

import atexit
import dataclasses
import os
import threading

from lib import names, names_table, names_verdict
from lib.harness import at_end, case, main
from lib.names_stock import Stock

WRITE = os.environ.get("IT_NAMES_WRITE")
FAULTS = os.environ.get("IT_NAMES_FAULTS")
CHOSEN = [name for name in os.environ.get("IT_NAMES", "").split(",") if name]
WORDS = {"removed": "is removed", "older": "is replaced by an older one",
         "newer": "is replaced by a newer one", "foreign": "is replaced by a foreign one",
         "empty": "is replaced by an empty one", "linked": "is moved and linked back",
         "truncated": "is cut to half", "permissions": "may not be read"}
WHEN = {"before": "before a start", "running": "while the app has it open",
        "closed": "while the app has it closed", "end": "between the app's end and the verdict",
        "crash": "between two starts after a crash"}
PLAYS = {names.SEEN: "", names.UNSEEN: ", and goes on before walwrap looks",
         names.HELD: ", and has its newest rows in the WAL alone"}

_stock = []
_stock_lock = threading.Lock()
_expected = names_table.read()
_observed = {}


def stock():
    """Made once, by the first cell that runs."""
    with _stock_lock:
        if not _stock:
            _stock.append(Stock())
        return _stock[0]


@at_end
def remove_stock():
    while _stock:
        _stock.pop().end()


def write_fault(key, play, ending, wrong, log):
    cell = "/".join(key)
    with open(FAULTS, "a") as file:
        file.write("== %s (%s): %s\n   %s\n   IT_NAMES='%s' integration/test_names.py\n%s\n\n" % (
            cell, play, wrong, ending, cell, "\n".join("   | " + line for line in log)))


def check(run, key, play):
    cell = names.Cell(run, stock(), key, play)
    ending = cell.play()
    wrong = names_verdict.judge(ending)
    if wrong and FAULTS:
        write_fault(key, play, ending, wrong, cell.life.walwrap.log_lines())
    answer = names_table.WRONG if wrong else names_verdict.answer(ending)
    _observed.setdefault(key, []).append(answer)
    run.must(not wrong, "%s (%s)" % (wrong, ending))
    run.note(answer)
    lost = ending.acknowledged - ending.path.rows
    if lost:  # allowed where a user has put another content there
        run.note("acknowledged %s are not at the path" % names_verdict.ranges(lost))
    if not WRITE:
        allowed = _expected.get(key, ())
        run.must(answer in allowed, "docs/operations.md says %s, this run: %s (%s)" % (
            " or ".join(allowed) or "nothing", answer, ending))


def register(key, play):
    what, change, moment = key
    name = "/".join(key if play == names.SEEN else (*key, play))

    @case("%s: the %s %s %s%s" % (name, what, WORDS[change], WHEN[moment], PLAYS[play]))
    def cell(run):
        check(run, key, play)


OK = names_verdict.Content("ok", frozenset({1, 2}), "the digest")
LESS = names_verdict.Content("ok", frozenset({1}), "another digest")
DAMAGED = names_verdict.Content("malformed")
ABSENT = names_verdict.Content("absent")
PLAIN = names_verdict.Ending(
    what="state file", change="removed", moment="running", status=0, flush="ok", app_ran=True,
    was=OK, found=OK, put=ABSENT, path=OK, restored=OK, earlier=OK, died=False, said=[],
    acknowledged=frozenset({2}), confirmed=frozenset({1}), stored=frozenset({1}))
FAILED = {"status": 74, "flush": "failed"}
JUDGED = (  # what is different from PLAIN, whether it is allowed
    ({}, True),
    ({"restored": DAMAGED}, False),
    ({"path": DAMAGED, "restored": DAMAGED}, False),
    ({"path": LESS}, False),
    ({"restored": LESS}, False),
    ({"path": LESS, "restored": LESS}, False),
    ({"path": ABSENT}, False),
    ({"what": "database", "change": "older", "put": LESS, "path": LESS, "restored": LESS}, True),
    ({"what": "database", "change": "linked", "path": LESS, "restored": LESS}, False),
    ({"status": 74}, False),
    (FAILED, True),
    ({**FAILED, "restored": LESS}, True),
    ({**FAILED, "path": LESS}, False),
    ({**FAILED, "restored": DAMAGED}, False),
    ({**FAILED, "what": "identity", "restored": DAMAGED}, True),
    ({**FAILED, "what": "database", "path": DAMAGED, "restored": DAMAGED}, True),
    ({**FAILED, "what": "database", "path": DAMAGED, "restored": DAMAGED, "earlier": DAMAGED},
     False),
    ({"status": 125, "flush": "none", "app_ran": False, "restored": LESS}, True),
    ({"status": 125, "flush": "none"}, False),
    ({"status": 125, "flush": "none", "app_ran": False, "path": LESS}, False),
    ({**FAILED, "restored": LESS, "confirmed": frozenset({2})}, False),
    ({"flush": "nothing"}, False),
    ({"flush": "nothing", "what": "database", "path": ABSENT}, True),
    ({"flush": "none"}, False),
    ({"status": 137, "flush": None}, False),
)

if not CHOSEN:
    @case("a run with flush=ok is checked by a restore, any other run by its files")
    def judged(run):
        for changes, allowed in JUDGED:
            said = names_verdict.judge(dataclasses.replace(PLAIN, **changes))
            run.must((said is None) == allowed, "%s: %s" % (changes, said))


for cell_key in names.cells():
    if not CHOSEN or "/".join(cell_key) in CHOSEN:
        for way in names.plays(cell_key[0], cell_key[2]):
            register(cell_key, way)

if WRITE:
    atexit.register(lambda: names_table.write(_observed, add=WRITE == "also"))

if __name__ == "__main__":
    main(jobs=4)
