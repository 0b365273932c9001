"""A case whose money is followed, while the program runs, and what following works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.analysis.trace.evaluate import Tracer
from monitor.analysis.trace.known import Recorded
from monitor.decide.asking import Allowed
from monitor.loops.passing import PassReport, PollWorld, Signs
from monitor.loops.resting import Resting
from monitor.loops.trace_world import CaseMoney
from monitor.model import Alert, SourceConfig, Subject, Watched
from monitor.model.plan import Route
from monitor.model.settings import Settings
from monitor.model.trace import Terms, Told, Trace
from monitor.store.port import Store

# What of a case is told, given its trace as it stood, as it stands, and as it is kept.
Tell = Callable[[str, Told | None, Trace, Trace], tuple[Sequence[Alert], Sequence[Route]]]


@dataclass(frozen=True)
class TraceWorld:
    """What it works with. `read`: read these addresses now, with about so many calls; `regular`:
    calls a second that regular passes make, by source; `price`: ask what coins were worth when they
    moved."""

    store: Store
    world: PollWorld
    settings: Settings
    read: Callable[[Sequence[Subject], int | None], PassReport]
    tell: Tell
    configs: Mapping[str, SourceConfig]
    regular: Callable[[], Mapping[str, float]]
    price: Callable[[], object]
    reading: Signs  # of life of `read`


@dataclass
class FollowedCase:
    """A case while the program runs."""

    money: CaseMoney
    tracer: Tracer
    terms: Terms | None = None
    entries: Sequence[Watched] = ()
    trace: Trace | None = None
    stamp: object = None  # of what the trace was worked out from
    whole: bool = False  # with edges, totals and bounds
    tried: dict[Subject, float] = field(default_factory=dict)  # when what is unread was read last
    # Questions that nobody answered, and when; asked again after a while.
    unanswered: dict[tuple[str, Subject, str], float] = field(default_factory=dict)
    looked: tuple[object, ...] | None = None  # the moment of the last look; see Tracing
    resting: Resting = field(default_factory=Resting)
    calls: int = 0  # since the last line of the program's log
    errors: int = 0  # of addresses and questions, since then

    def may(self) -> Allowed | None:
        """Who alone may be asked about what is followed; None: all."""
        named = self.terms.sources if self.terms else ()
        return frozenset(named) if named else None

    def stamp_now(self, book: object, day: int) -> tuple[object, Mapping[Subject, Recorded]]:
        """Another one means that the trace is to be worked out anew; beside it what was looked at
        for it."""
        money = self.money
        subjects = sorted({*money.followed(), *(w.entry.subject for w in self.entries)})
        read = {s: money.rows(s) for s in subjects}
        stamp = (
            self.terms,
            tuple((s, r.version, r.unread, r.covered_to) for s, r in read.items()),
            tuple(money.words()),
            tuple(w.entry for w in self.entries),
            book,
            money.told(),
            money.used().finding,
            day,
        )
        return stamp, read
