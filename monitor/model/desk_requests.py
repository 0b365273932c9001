"""Requests to keep traced funds from moving, as people record them. Fundwatch sends nothing: it
keeps what was drafted, to whom it went, and what came of it. Frozen values; times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.model.trace import TracedAsset
from monitor.model.watch import Subject


class Stage(StrEnum):
    """How far a request is."""

    PREPARED = "prepared"
    SENT = "sent"  # by a person, by their own means
    ANSWERED = "answered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


# What may be recorded next.
NEXT: Mapping[Stage, tuple[Stage, ...]] = {
    Stage.PREPARED: (Stage.SENT, Stage.WITHDRAWN),
    Stage.SENT: (Stage.ANSWERED, Stage.REFUSED, Stage.WITHDRAWN),
    Stage.ANSWERED: (Stage.ANSWERED, Stage.REFUSED, Stage.WITHDRAWN),
    Stage.REFUSED: (Stage.ANSWERED, Stage.WITHDRAWN),
    Stage.WITHDRAWN: (),
}


@dataclass(frozen=True, slots=True)
class Basis:
    """On which figures a request rests: of one asset of one address, in base units, in one state
    of the trace."""

    asset: TracedAsset
    traced: Mapping[str, int]  # by method
    number: int  # of the state of the trace
    sha256: str
    on_chain: int | None = None  # None: nobody was asked, or could say
    on_chain_time: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a request, as somebody recorded it. `corrects`: the earlier step in whose
    place it stands."""

    id: str
    request: str
    number: int  # 1, 2 ... of its request
    at: int  # when it was recorded
    happened: int  # when it happened, as whoever recorded it says
    stage: Stage
    reference: str
    text: str
    name: str  # "": it was erased
    door: str
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """That somebody may be asked to keep funds from moving. `text`: the draft as it was left;
    `digest`: its SHA-256."""

    id: str
    at: int
    case: str
    subject: Subject  # where the funds are
    role: str  # issuer | exchange | other
    to: str  # "": it was erased, as text, digest and name
    named_by: str  # which table or name says that they could act
    basis: Basis
    text: str
    digest: str
    name: str
    door: str
    steps: Sequence[Step] = ()

    @property
    def standing(self) -> tuple[Step, ...]:
        """The steps that count: those that nobody corrected, in the order of their happening."""
        gone = {each.corrects for each in self.steps}
        left = [each for each in self.steps if each.id not in gone]
        return tuple(left)

    @property
    def stage(self) -> Stage:
        standing = self.standing
        return standing[-1].stage if standing else Stage.PREPARED

    @property
    def sent(self) -> int | None:
        """When it was sent, as somebody says; None: it was not."""
        return next((s.happened for s in self.standing if s.stage is Stage.SENT), None)

    @property
    def last(self) -> Step | None:
        standing = self.standing
        return standing[-1] if standing else None

    @property
    def open(self) -> bool:
        """Whether an answer is waited for."""
        return self.stage is Stage.SENT
