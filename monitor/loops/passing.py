"""What a pass of polling works with, what it knows of one scope, and what it says of itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from monitor.decide.asking import Allowed
from monitor.loops.pool import Failure, SourcePool
from monitor.loops.reading import Progress, ScopeReader
from monitor.model import Alert, Asset, Batch, Chain, Entry, Subject, Watched
from monitor.model.plan import Route
from monitor.model.scope import ChainWide, Joined, Members, Scope

Fetched = tuple[str, str]  # source, stream


@dataclass(frozen=True, slots=True)
class PollWorld:
    """What a pass works with, besides the record. Put together in app/fundwatch.py."""

    chains: Mapping[str, Chain]
    pools: Mapping[str, SourcePool]  # by chain
    assets: Mapping[tuple[str, str], Asset]
    route: Callable[[Alert, Entry | None], list[Route]]
    clock: Callable[[], int]
    interval: Callable[[Scope], int]  # seconds until a watched scope is due again
    since_time: Callable[[str], int | None]
    trailing_seconds: int = 2 * 86_400
    ours: Mapping[str, str] = field(default_factory=dict)  # lists of our own: name -> title
    sleep: Callable[[float], None] = time.sleep


@dataclass
class PassReport:
    """What one pass did, for the log line, the exit code and the progress bar."""

    started: int
    seconds: float = 0.0
    subjects: int = 0
    wholes: int = 0  # chains that are read as a whole
    new_rows: int = 0
    alerts: int = 0
    calls: int = 0
    late: int = 0
    errors: int = 0
    unread: dict[str, frozenset[str]] = field(default_factory=dict)  # subject -> streams
    unserved: dict[str, frozenset[str]] = field(default_factory=dict)
    retry_after: float = 0.0
    stopped: bool = False


@dataclass
class Run:
    """A scope within one pass."""

    scope: Scope
    watched: tuple[Watched, ...] = ()  # the entries of an address
    # The addresses that a chain-wide scope is read for, with their memberships by list.
    members: Mapping[Subject, Mapping[str, Joined]] = field(default_factory=dict)
    # Where it is read block by block: for whom.
    everyone: Members | None = None
    began: float = field(default_factory=time.monotonic)
    streams: frozenset[str] = frozenset()  # of a chain-wide scope: what it reads
    # The addresses that were read before what the chain-wide scope has read was decided.
    went_first: set[Scope] = field(default_factory=set)
    member: bool = False  # an address for which lists are read chain-wide, whenever that works
    whole: frozenset[str] = frozenset()  # of these lists those that were read in this pass
    lent: tuple[Batch, ...] = ()  # its part of what the chain-wide scope has just read
    # What sources said to several addresses in one ask, by source and stream.
    fetched: dict[Fetched, Batch | Failure] = field(default_factory=dict)
    may: Allowed | None = None  # who alone may be asked about an address
    every: int | None = None  # seconds from poll to poll of an address that is followed only
    calls: int = 0  # made for it in this pass
    progress: Progress = field(default_factory=Progress)
    deep_seconds: int = 0
    joined_since: int = 0  # seconds since it joined a chain that is read by blocks
    reading: ScopeReader | None = None  # of the present round
    failing: frozenset[str] = frozenset()  # streams that no source could read before this pass
    held_back: bool = False  # too much history: a person is asked first
    taken_back: int = 0  # how often coverage of the chain had been when the round began
    doubted: bool = False  # something was read under a head that is not believed yet

    @property
    def is_whole(self) -> bool:
        return isinstance(self.scope, ChainWide)


@dataclass
class Signs:
    """Signs of life of a pass, for the watchdog. Its times are of the monotonic clock."""

    moved_at: float = field(default_factory=time.monotonic)
    reading: dict[str, None] = field(default_factory=dict)  # keys of scopes
    settling: str = ""  # key of the scope that is being decided on

    def moved(self) -> None:
        self.moved_at = time.monotonic()

    def begin(self) -> None:
        self.reading.clear()
        self.settling = ""

    def suspects(self) -> list[str]:
        """At which scopes a pass that does not get on stands: the one that is being decided
        on, else those whose answers are waited for."""
        return [self.settling] if self.settling else list(self.reading)


class JobSigns:
    """Signs of life of a job that asks sources one question after the other, in one thread: each
    question is one. Its time is of the monotonic clock."""

    def __init__(self) -> None:
        self.moved_at = time.monotonic()
        self._thread = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Around a run of the job, in its thread."""
        self._thread = threading.get_ident()
        self.moved()
        try:
            yield
        finally:
            self._thread = 0

    def moved(self) -> None:
        self.moved_at = time.monotonic()

    def asked(self) -> None:
        """A question is put to a source, by whichever thread."""
        if threading.get_ident() == self._thread:
            self.moved()


def active(watched: Sequence[Watched]) -> tuple[Watched, ...]:
    return tuple(w for w in watched if w.active)
