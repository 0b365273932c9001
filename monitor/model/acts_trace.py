"""What changes a case's trace: what persons say of it, what sources say of addresses and
transactions on its way, and the trace as it then stands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.model.acts import Act
from monitor.model.alert import Alert
from monitor.model.plan import Route
from monitor.model.trace import Anatomy, Profile, Trace, Word
from monitor.model.trace_json import to_lines, whole
from monitor.model.watch import Subject


@dataclass(frozen=True, slots=True)
class Follow(Act[None]):
    """Read an address for a case, also without an entry: its rows and fees are kept, nobody is
    told. Once more: with other terms, and its calls counted anew."""

    kind = "follow"

    subject: Subject
    case: str
    why: str
    every: int  # seconds from poll to poll
    calls: int | None = None  # of sources, that it may use; None: not bounded


@dataclass(frozen=True, slots=True)
class Unfollow(Act[bool]):
    """End this, for one case. Yields whether it was followed."""

    kind = "unfollow"

    subject: Subject
    case: str


@dataclass(frozen=True, slots=True)
class SayOfTrace(Act[None]):
    """What a person says in a case: to stop, go on, approve, raise a limit, choose a method."""

    kind = "say of trace"

    case: str
    word: Word


@dataclass(frozen=True, slots=True)
class LearnOfTrace(Act[None]):
    """What sources said of addresses and whole transactions. What was learned of the same before
    stays beside it."""

    kind = "learn of trace"

    case: str
    profiles: Sequence[Profile] = ()
    anatomies: Sequence[Anatomy] = ()


@dataclass(frozen=True, slots=True)
class TakeTrace(Act[int]):
    """A case's trace as it stands now: a new state, where it is not as the newest one. Yields the
    number of the state that holds. The alerts are told with it, all or nothing."""

    kind = "take trace"

    case: str
    trace: Trace
    alerts: Sequence[Alert] = ()
    routes: Sequence[Route] = ()
    # Its text, made before others have to wait, and the digest of that.
    lines: Sequence[str] = field(init=False, repr=False)
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        lines = to_lines(self.trace)
        object.__setattr__(self, "lines", lines)
        object.__setattr__(self, "sha256", hashlib.sha256(whole(lines)).hexdigest())
