"""The table of faults: which request of which step is struck, and what may come of it. Pure."""

import dataclasses
import enum

LIMIT_SECONDS = 60  # no run may take longer, whatever the store does

FAULTS = ("500", "503", "503-retry-after", "403", "404", "429", "expired", "wrong-xml",
          "reset-before", "reset-within", "reset-after", "truncated", "slow", "black-hole",
          "stale-list", "duplicate", "reordered")

# Step -> the operations that it makes, each with the number of the one that is struck.
STEPS = {
    "start_empty": (("GetObject", 1), ("ListObjectsV2", 1), ("PutObject", 1), ("GetObject", 3),
                    ("PutObject", 3)),
    "start_known": (("GetObject", 1), ("ListObjectsV2", 1), ("GetObject", 2), ("PutObject", 2)),
    "start_wiped": (("GetObject", 1), ("ListObjectsV2", 1), ("GetObject", 2), ("GetObject", 3),
                    ("GetObject", 4), ("PutObject", 1)),
    "steady": (("PutObject", 1),),
    "large": (("CreateMultipart", 1), ("UploadPart", 2), ("CompleteMultipart", 1)),
    "stop": (("PutObject", 1),),
    "by_hand": (("ListObjectsV2", 1), ("GetObject", 1), ("GetObject", 2)),
}
WORDS = {
    "start_empty": "a first start", "start_known": "a start over a known database",
    "start_wiped": "a start from an empty disk", "steady": "steady uploads",
    "large": "a large transaction", "stop": "a stop", "by_hand": "a restore by hand",
}


class Outcome(enum.Enum):
    STORED = "exit 0, everything stored"
    MISSING = "exit 74, and the next start stores the rest"
    REFUSED = "refused before the app ran, and the next start goes well"


@dataclasses.dataclass(frozen=True)
class Trial:
    step: str
    operation: str
    nth: int
    fault: str
    times: int = 1

    @property
    def name(self):
        again = "" if self.times == 1 else ", %d times" % self.times
        return "%s: %s %d meets %s%s" % (WORDS[self.step], self.operation, self.nth, self.fault,
                                        again)

    @property
    def may_miss(self):
        """Whether a run may be over before the fault's turn has come: uploads are paced."""
        return self.operation == "PutObject" and self.step in ("steady", "stop", "start_known")


def _cases():
    for step, operations in STEPS.items():
        for operation, nth in operations:
            for fault in FAULTS:
                if fault == "stale-list" and operation != "ListObjectsV2":
                    continue
                yield Trial(step, operation, nth, fault)
    # What lasts longer than one try. A black hole costs a time-out each.
    for fault in ("500", "503", "403", "404", "429", "expired", "reset-before", "reset-after",
                  "truncated", "wrong-xml"):
        yield Trial("steady", "PutObject", 1, fault, 4)
        yield Trial("stop", "PutObject", 1, fault, 4)


CASES = tuple(_cases())


def allowed(trial):
    """What may come of it. A lie cannot be told from the truth: a store that says that an object
    is not there, or denies access, may be believed, as long as nothing is lost by it."""
    identity_hidden = trial.fault == "404" and (trial.operation, trial.nth) == ("GetObject", 1)
    if identity_hidden or (trial.step == "by_hand" and trial.fault in ("403", "404")):
        return {Outcome.STORED, Outcome.REFUSED}
    return {Outcome.STORED}
