"""The table of docs/operations.md, "When a name comes to mean something else": read as what the
product has to do, and written from what it does.

A cell is an answer, or several with " or " between them where it depends on who looks first. After
it may stand that it is not true: what the test then checks is that this still holds.
"""

from .harness import ROOT
from .names import CHANGES, MOMENTS, OBJECTS

DOCUMENT = ROOT / "docs/operations.md"
HEAD = "| what | is | %s |\n%s\n" % (" | ".join(MOMENTS), "|---" * (2 + len(MOMENTS)) + "|")
NOTHING = "–"  # there is nothing that could be changed so
NEVER, SOMETIMES = " (not true)", " (not always true)"


class Answer:
    """What a cell says."""

    def __init__(self, text):
        self.mark = next((mark for mark in (NEVER, SOMETIMES) if text.endswith(mark)), "")
        self.words = text.removesuffix(self.mark).split(" or ")

    def complaint(self, words, untrue):
        """Why what was seen is not what this says; "": it is."""
        if self.mark == SOMETIMES:
            return ""
        if self.mark == NEVER:
            return "" if untrue else "it is true by now: take \"%s\" away" % NEVER.strip()
        if untrue:
            return "%s (%s)" % (untrue, words)
        if words not in self.words:
            return "%s, expected %s" % (words, " or ".join(self.words))
        return ""

    def also(self, words, untrue):
        """The text that says both this and what was seen."""
        mark = NEVER if untrue else ""
        if self.words == ["?"]:
            return words + mark
        if mark != self.mark:
            mark = SOMETIMES
        return " or ".join(sorted({*self.words, words})) + mark


def read():
    """(object, change) -> the answers, one for each moment."""
    rows = DOCUMENT.read_text().partition(HEAD)[2].partition("\n\n")[0].splitlines()
    table = {}
    for row in rows:
        thing, changes, *texts = (cell.strip() for cell in row.strip("|").split("|"))
        for change in changes.split(", "):
            table[thing, change] = [Answer(text) for text in texts]
    unknown = [Answer("?")] * len(MOMENTS)
    return {(thing, change): table.get((thing, change), unknown)
            for thing in OBJECTS for change in CHANGES}


def write(seen):
    """Puts (object, change) -> texts into the document; changes with the same ones share a row."""
    lines = []
    for thing in OBJECTS:
        rows = {}
        for change in CHANGES:
            rows.setdefault(tuple(seen[thing, change]), []).append(change)
        lines += ["| %s | %s | %s |\n" % (thing, ", ".join(changes), " | ".join(texts))
                  for texts, changes in rows.items()]
    before, head, rest = DOCUMENT.read_text().partition(HEAD)
    DOCUMENT.write_text(before + head + "".join(lines) + "\n" + rest.partition("\n\n")[2])
