"""What people at the desk change: who works there, who sees a case, what they write, propose, agree
to, and which clocks they start. Each act holds on what it was decided: where that has changed
meanwhile it is refused, and decided again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from monitor.model.acts import Act
from monitor.model.alert import Alert
from monitor.model.desk import Person
from monitor.model.desk_work import Clock, Eyes, Member, Proposal, Remark, Standing
from monitor.model.plan import Route

People = tuple[Person, ...]  # everybody, by name


@dataclass(frozen=True, slots=True)
class SetPerson(Act[None]):
    """Somebody may use the desk, or in another way. `people`: all, when that was decided. `frees`:
    the alerts that they have go to nobody; `alerts` tell so."""

    kind = "set person"

    person: Person
    why: str
    people: People
    frees: Sequence[str] = ()
    alerts: Sequence[Alert] = ()
    routes: Sequence[Route] = ()


@dataclass(frozen=True, slots=True)
class SetMember(Act[None]):
    """Somebody may see a case, or may no longer (`until`)."""

    kind = "set member"

    member: Member
    why: str


@dataclass(frozen=True, slots=True)
class Note(Act[str]):
    """Somebody writes. Yields the id; the same once more is no act."""

    kind = "note"

    remark: Remark


@dataclass(frozen=True, slots=True)
class Propose(Act[str]):
    """Yields the id; the same once more is no act. `people` and `members` (of its case): on which
    it was decided whether it needs a second person; `basis`: how its alerts stood (store.desk)."""

    kind = "propose"

    proposal: Proposal
    people: People
    members: Collection[str]
    basis: str = ""
    outcome: str = ""  # its alerts close with it, for no second person exists
    others: Collection[str] | None = None  # of its kind and case that were open; None: no matter


@dataclass(frozen=True, slots=True)
class End(Act[None]):
    """A proposal is agreed to, declined, withdrawn, lapses, or was carried out. `was`: as it stood
    when that was decided. `outcome`: its alerts close with it."""

    kind = "end proposal"

    was: Proposal
    state: Standing
    said: str
    people: People | None = None  # None: no matter who there is
    members: Collection[str] = ()
    eyes: Eyes | None = None  # None: as they were
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class PassOn(Act[None]):
    """Nobody has answered these proposals: it is told, once."""

    kind = "pass on"

    proposals: Sequence[str]
    alerts: Sequence[Alert]
    routes: Sequence[Route] = ()


@dataclass(frozen=True, slots=True)
class StartClock(Act[str]):
    """Yields its id; the same once more is no act."""

    kind = "start clock"

    clock: Clock


@dataclass(frozen=True, slots=True)
class EndClock(Act[None]):
    """`state`: stopped, with the reason, or met, with a reference."""

    kind = "end clock"

    was: Clock
    state: str
    said: str


@dataclass(frozen=True, slots=True)
class TellClock(Act[None]):
    """A step of a running clock is told: soon, due, over."""

    kind = "tell clock"

    was: Clock
    step: str
    alerts: Sequence[Alert] = ()
    routes: Sequence[Route] = ()


@dataclass(frozen=True, slots=True)
class HandOut(Act[bool]):
    """A report or an export of a case was made for whoever acts. Yields whether that is told now;
    the same once more is no act."""

    kind = "hand out"

    case: str
    id: str  # of the file
    what: str  # report | export
    notes: bool  # whether it holds what people noted
    sha256: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class CloseTold(Act[int]):
    """By the rule "told": these alerts needed nobody, and close. Yields how many did. They get no
    line of history each: the log names them, and their outcome says so."""

    kind = "close told"

    alerts: Sequence[str]
