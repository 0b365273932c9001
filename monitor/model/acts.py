"""Who changes the record, and what they change. Frozen values; store/commit.py carries them out.

An act is what a person or a link does, and what a plan of the program brings to the record.
Bookkeeping (due times, claims, budgets, coverage that only grew, tries of a delivery) is none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from monitor import __version__
from monitor.model.alert import Alert
from monitor.model.cases import CaseState
from monitor.model.heads import Fault, News
from monitor.model.lists import Publication, Span
from monitor.model.plain import CLAIMED
from monitor.model.plan import Plan, Route, Signal
from monitor.model.streams import Reading
from monitor.model.watch import Entry, Subject

Result = TypeVar("Result")

Renamed = tuple[Subject, str]  # as it stands in the record; its address as it is written now

# A text of the log, or a part of one, decoded: JSON that only its act knows the form of.
Body = Mapping[str, Any]


class ActorKind(StrEnum):
    """By which door an act came."""

    PERSON = "person"  # signed in
    LINK = "link"  # the signed link of a message
    TOKEN = "token"  # noqa: S105 - a program with a token
    DAEMON = "daemon"  # the program itself
    CLI = "cli"  # a command, or a file of requests


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `name` is what they gave; `authority` says how far that is proven, in words."""

    kind: ActorKind
    name: str
    authority: str

    @property
    def recorded(self) -> str:
        """As it is shown beside what was done: who comes by a link is known by a word only."""
        return f"{self.name} {CLAIMED}" if self.kind is ActorKind.LINK else self.name


DAEMON = Actor(ActorKind.DAEMON, "Fundwatch", f"the program itself, version {__version__}")


@dataclass(frozen=True, slots=True)
class Act(Generic[Result]):
    """A change of the record; carrying it out yields a Result. `at`: Unix seconds."""

    kind: ClassVar[str]  # its name in the log, for good

    at: int


@dataclass(frozen=True, slots=True)
class ApplyPlan(Act[None]):
    """What a poll decided. Logged where it brought rows, sightings, alerts or baselines."""

    kind = "plan"

    plan: Plan
    readings: Sequence[Reading] = ()
    routes: Sequence[Route] = ()


@dataclass(frozen=True, slots=True)
class Take(Act[list[str]]):
    """Acknowledge those of these alerts that are open, or close those that are not closed;
    `over`: whatever their state. `open`: nobody has them any more. Yields the ids of those that
    changed."""

    kind = "take"

    alerts: Sequence[str]
    state: str  # acknowledged | closed | open
    note: str
    over: bool = False
    outcome: str = ""  # closed: which of the reasons (model.desk_work.Outcome)
    to: str | None = None  # who has them then; None: who acts


@dataclass(frozen=True, slots=True)
class Replay(Act[int]):
    """Send these messages again. Yields how many deliveries wait."""

    kind = "replay"

    messages: Sequence[str]


@dataclass(frozen=True, slots=True)
class TestChannel(Act[None]):
    """Somebody has sent a test over a channel: how many recipients it was accepted for."""

    kind = "test channel"

    channel: str
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class BackedUp(Act[None]):
    """Somebody has copied the record to a file."""

    kind = "backup"

    file: str


@dataclass(frozen=True, slots=True)
class Respell(Act[None]):
    """Bring subjects of the record into the form that addresses have now."""

    kind = "respell"

    renamed: Sequence[Renamed]


@dataclass(frozen=True, slots=True)
class ChangeCase(Act[None], ABC):
    """What is done to a case, with the reason. `was`: how it stood when that was decided."""

    case: str
    why: str
    was: CaseState

    @abstractmethod
    def becomes(self) -> CaseState:
        """How it stands then."""


SIGNED_IN = -1  # in the place of a system user's number: somebody who has signed in at the desk


def one_system_user(asked: object, confirmed: object) -> bool:
    """Whether the names of who asked and who confirmed came from one system user, so that nobody
    can tell two people apart."""
    return asked == confirmed != SIGNED_IN


@dataclass(frozen=True, slots=True)
class EraseAsked(Act[int]):
    """Somebody wants texts of the log erased. Yields the number by which another person confirms
    it. `rule`: which rule asks for it; `uid`: the system user, of whom two names may come;
    `cases`: how the cases stood that were ever closed or held, when that was decided."""

    kind = "erase asked"

    numbers: Sequence[int]
    why: str
    rule: str
    uid: int
    cases: Mapping[str, CaseState]


@dataclass(frozen=True, slots=True)
class Erased(Act[None]):
    """Another person confirms it: the texts go. `asked`: number and time of the request, who
    made it, reason and rule."""

    kind = "erased"

    numbers: Sequence[int]
    asked: Mapping[str, object]
    uid: int
    cases: Mapping[str, CaseState]


@dataclass(frozen=True, slots=True)
class CloseCase(ChangeCase):
    """Its work is done: the time for which it is kept begins."""

    kind = "close case"

    def becomes(self) -> CaseState:
        return replace(self.was, closed=self.at)


@dataclass(frozen=True, slots=True)
class ReopenCase(ChangeCase):
    """Work on it goes on."""

    kind = "reopen case"

    def becomes(self) -> CaseState:
        return replace(self.was, closed=None)


@dataclass(frozen=True, slots=True)
class HoldCase(ChangeCase):
    """A legal hold: nothing that concerns it may be erased."""

    kind = "hold case"

    def becomes(self) -> CaseState:
        return replace(self.was, held=self.at)


@dataclass(frozen=True, slots=True)
class ReleaseCase(ChangeCase):
    """The legal hold is over."""

    kind = "release case"

    def becomes(self) -> CaseState:
        return replace(self.was, held=None)


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as a watchlist has it. `terms`: its text, made before others have to wait."""

    id: str
    subject: Subject
    case: str
    terms: str
    retired: bool


@dataclass(frozen=True, slots=True)
class TakeList(Act[None]):
    """Take a read watchlist: additions and edits apply, retired ones end, missing stay."""

    kind = "take list"

    sha256: str
    entries: Sequence[Listed]
    keep: Collection[str]  # whose lines were refused: neither changed nor missing
    outcome: Mapping[str, object]
    alerts: Sequence[Alert] = ()  # what is told of it
    routes: Sequence[Route] = ()
    of: Sequence[str] = ()  # the entries that a part of a long list is about; none: all

    @property
    def present(self) -> frozenset[str]:
        """The entries that the list holds, also in lines that were refused."""
        return frozenset([*(each.id for each in self.entries), *self.keep])


@dataclass(frozen=True, slots=True)
class Retire(Act[None]):
    """End the watch of an entry that the file no longer holds; its terms say who and why."""

    kind = "retire"

    entry: Entry


@dataclass(frozen=True, slots=True)
class TakePublication(Act[None]):
    """A version of a published list comes into force. `spans`: what it changes of the rows, which
    wait in the record (store/staging.py)."""

    kind = "take publication"

    publication: Publication
    spans: Sequence[Span] = ()
    accepted: str = ""  # what a person said yes to: shrunk, grown
    waits: bool = False  # the history of what is new waits for a person's yes
    entries: Sequence[Listed] = ()  # that it makes and changes
    terms: str = ""  # these are all of them, by settings with this digest; empty: more follow


@dataclass(frozen=True, slots=True)
class TakeEntries(Act[None]):
    """Entries as a published list, its settings, and what people said of it, make them.
    `sha256`: of the version in force."""

    kind = "take entries"

    sha256: str
    entries: Sequence[Listed]


@dataclass(frozen=True, slots=True)
class AcceptGrown(Act[None]):
    """A person wants the history of what a grown list added: it waits no more."""

    kind = "accept grown"

    list: str
    waiting: int  # entries


@dataclass(frozen=True, slots=True)
class SayOfList(Act[None]):
    """What a person says of an address or an entity of a list, and the entries that it makes and
    changes. `value` None: what was said is taken back."""

    kind = "say of list"

    version: Publication  # of the list, in force
    target: str  # address:CANONICAL or entity:ID
    values: Mapping[str, object]  # JSON, by key (model.lists.Word)
    why: str
    entries: Sequence[Listed]
    about: Sequence[str]  # the entries that it is about


@dataclass(frozen=True, slots=True)
class TellHistory(Act[None]):
    """Tell what the addresses of entries did before they were watched, once each."""

    kind = "tell history"

    told: Sequence[tuple[Entry, Alert]]
    routes: Sequence[Route] = ()


@dataclass(frozen=True, slots=True)
class Tell(Act[None]):
    """Tell what comes without a plan: notices."""

    kind = "tell"

    alerts: Sequence[Alert]
    routes: Sequence[Route] = ()


@dataclass(frozen=True, slots=True)
class TellIncidents(Act[None]):
    """Tell one phase of these incidents."""

    kind = "tell incidents"

    keys: Sequence[str]
    phase: str  # opened | reminder | closed
    alerts: Sequence[Alert]
    routes: Sequence[Route] = ()


@dataclass(frozen=True, slots=True)
class KeepHeads(Act[None]):
    """Keep what sources say of the newest block. Logged where it takes coverage back."""

    kind = "keep heads"

    chain: str
    news: News
    signals: Sequence[Signal]
    # What to say of a fault, with the keys of the subjects concerned.
    tell: Callable[[Fault, frozenset[str]], Signal]


@dataclass(frozen=True, slots=True)
class SetClock(Act[None]):
    """Let count from now what lies ahead of a clock that was set back. Logged where that
    changes since when an entry is watched."""

    kind = "set clock"


@dataclass(frozen=True, slots=True)
class CoverDay(Act[None]):
    """Log a digest of all that counts as read. Of one day the first alone is logged."""

    kind = "cover day"

    day: str  # by UTC
    # Made by store/covered_day.py before others have to wait: of many addresses it takes long.
    coverage: Mapping[str, object]
    answers: Sequence[object]  # those that were kept since the last such act


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The last number and hash of a log."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """The record that a backup replaced, as far as it could be read: None where it could not, and
    where it had no log."""

    file: str  # where it is kept
    end: LogEnd | None
    shared: int | None  # the last number of the log that the backup has too; 0: none
    acts: int | None  # that the backup has not
    rows: int | None
    alerts: int | None
    erased: int | None  # texts of its log that the backup still has
    damage: str  # why it could not be read in full; empty: it could


@dataclass(frozen=True, slots=True)
class Restored(Act[None]):
    """Put a backup in the place of the record; everything is read again."""

    kind = "restore"

    file: str  # the backup, with its path
    made: int  # when, by the newest thing that it holds; 0: not known
    end: LogEnd | None  # of the backup's log; None: it is older than the log
    replaced: Replaced | None  # None: there was no record
