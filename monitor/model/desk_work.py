"""What people at the desk decide, as the record holds it. Frozen values; times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Why an alert was closed: fixed keys; their words are `OUTCOMES`."""

    ACTED_ON = "acted_on"
    NO_ACTION = "no_action"
    EXPECTED = "expected"
    NOISE = "noise"
    REVERSED = "reversed"
    ENTRY_WRONG = "entry_wrong"
    DOUBLED = "doubled"
    TOLD = "told"  # by the program alone: it was told, and needed nobody


OUTCOMES: Mapping[Outcome, str] = {
    Outcome.ACTED_ON: "acted on",
    Outcome.NO_ACTION: "real, no action needed",
    Outcome.EXPECTED: "own or expected payment",
    Outcome.NOISE: "noise (dust, spam, poisoning)",
    Outcome.REVERSED: "reversed",
    Outcome.ENTRY_WRONG: "entry was wrong",
    Outcome.DOUBLED: "doubled by another alert",
    Outcome.TOLD: "told, no work",
}
GIVEN = tuple(each for each in Outcome if each is not Outcome.TOLD)  # by people

ONE_PERSON = "one person, no second existed"


class Eyes(StrEnum):
    """Whether a proposal needs another person."""

    SECOND = "second"  # it waits for one
    ONE = "one"  # no second existed: done at once, marked and counted
    NONE = "none"  # it needs nobody else


class Standing(StrEnum):
    """What became of a proposal."""

    WAITING = "waiting"
    AGREED = "agreed"  # the program carries it out
    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


OPEN = (Standing.WAITING, Standing.AGREED)


@dataclass(frozen=True, slots=True)
class Member:
    """That somebody may see a case."""

    case: str
    person: str
    since: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody wrote. `corrects`: the earlier one that it puts right."""

    id: str
    at: int
    case: str
    alert: str | None
    name: str  # "": the text was erased
    door: str
    text: str
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What needs a second person, or the program's hand. `text` is what whoever agrees agrees to,
    `digest` its SHA-256."""

    id: str
    at: int
    kind: str  # close | retire | retire_of_list | insist_of_list | watch | name | erase | ...
    case: str
    args: Mapping[str, object]
    text: str
    digest: str
    why: str
    name: str
    door: str
    eyes: Eyes
    alerts: tuple[str, ...] = ()
    state: Standing = Standing.WAITING
    ended: int | None = None
    ended_by: str = ""
    said: str = ""
    escalated: int | None = None

    @property
    def claimed(self) -> bool:
        """Whether the name of who proposed is known by a word only."""
        return self.door in CLAIMED_DOORS


# Doors at which a name is what somebody typed.
CLAIMED_DOORS = ("link", "cli")


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that a person started for a case. `due`: its last day, YYYY-MM-DD in the rule's
    zone. `terms`: the rule as it stood, with the calendar that was used."""

    id: str
    case: str
    rule: str
    terms: Mapping[str, object]
    started: int
    due: str
    name: str
    door: str
    why: str
    state: str = "running"  # running | stopped | met
    ended: int | None = None
    ended_by: str = ""
    said: str = ""
    told: str = ""  # the last step that was told: "" | soon | due | over
