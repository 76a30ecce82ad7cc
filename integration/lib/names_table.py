"""The table of docs/operations.md that says how each cell of test_names.py ends."""

from .harness import ROOT
from .names import CHANGES, OBJECTS, cells

DOCUMENT = ROOT / "docs" / "operations.md"
HEADING = "## What happens when a name comes to mean something else"
COLUMNS = {"before": "before a start", "running": "while the app has it open",
           "closed": "while the app has it closed", "end": "between the app's end and the verdict",
           "crash": "between two starts, after a crash"}
NONE = "–"  # there is no such cell
WRONG = "wrong"  # the cell breaks the rule of names_verdict.judge
ANSWERS = ("stored", "restored", "set aside", "healed", "nothing", "failed", "refused", WRONG)
_FIRST = "| what | is | "


def _lines():
    return DOCUMENT.read_text().split("\n")


def _table(lines):
    """The numbers of its first line and of the one after its last; equal where there is none."""
    if HEADING not in lines:
        return len(lines), len(lines)
    begin = lines.index(HEADING)
    while begin < len(lines) and not lines[begin].startswith(_FIRST):
        begin += 1
    end = begin
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    return begin, end


def read():
    """(object, change, moment) -> the answers that are named there."""
    lines = _lines()
    begin, end = _table(lines)
    found = {}
    for line in lines[begin + 2:end]:
        what, change, *answers = [field.strip() for field in line.strip("|").split("|")]
        for moment, text in zip(COLUMNS, answers):
            if text != NONE:
                found[what.strip("`"), change, moment] = text.split(" or ")
    return found


def write(observed, add):
    """Writes what was observed, in place of what is said there of these cells; `add`: beside it."""
    known = {key: list(answers) for key, answers in read().items()}
    for key, words in observed.items():
        before = known.get(key, []) if add else []
        known[key] = sorted({*before, *words}, key=ANSWERS.index)
    rows = [_FIRST + " | ".join(COLUMNS.values()) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    for what in OBJECTS:
        name = "`%s`" % what if what.startswith("-") else what
        for change in CHANGES:
            answers = [" or ".join(known.get((what, change, moment), ["?"]))
                       if (what, change, moment) in cells() else NONE for moment in COLUMNS]
            rows.append("| %s | %s | %s |" % (name, change, " | ".join(answers)))
    lines = _lines()
    begin, end = _table(lines)
    lines[begin:end] = rows
    DOCUMENT.write_text("\n".join(lines))
