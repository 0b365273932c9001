"""What the chain says of the assets of severe alerts, asked before these are told.

It is asked beside the look-ups by hash, and no alert waits for it longer than SECONDS from where
its decision began. What does not come in time is said in the alert, which goes out without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from monitor.decide import asking
from monitor.decide import balance as deciding
from monitor.loops import enrich
from monitor.loops.passing import PollWorld
from monitor.loops.witness import Said, Witness
from monitor.model import Alert, Batch, Lane, Row, Severity, Subject
from monitor.model.balance import COIN, NOT_COMPLETE, OPENING, Held, Holding, State
from monitor.model.facts import Movement
from monitor.model.plan import Context, Plan
from monitor.store import balances
from monitor.store.coverage import stream_states
from monitor.store.port import Reader

SECONDS = 20.0  # from where a decision began
REFILL = 0.1  # seconds that may be waited for again, of each second that goes by
LEAST = 0.5  # seconds: with less left nobody is asked
HOLDINGS = 500  # that are asked for before the alerts of one plan
ROWS = 20_000  # of one asset that are added up before an alert
LATE = "none said it in time"
NOT_ASKED = "none was asked, for alerts before it have waited for long enough"
MUCH = f"too much to be added up before an alert: over {ROWS:,} movements"
LOOKED_FOR = "asked once, before this was told; it is looked for"


class Patience:
    """For how long alerts may be made to wait, all together: one after the other is told, and
    the last one must not wait for what many before it were asked. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._left, self._at = SECONDS, clock()

    def left(self) -> float:
        with self._lock:
            moment = self.clock()
            self._left = min(SECONDS, self._left + REFILL * (moment - self._at))
            self._at = moment
            return self._left

    def take(self, seconds: float) -> None:
        with self._lock:
            self._left -= seconds


@dataclass(frozen=True)
class _Wanted:
    """What severe alerts of a plan are about."""

    by_alert: Mapping[str, tuple[Holding, ...]]
    top: int | None  # the newest block in which something moved
    reporters: frozenset[str]  # sources that told it

    @property
    def holdings(self) -> list[Holding]:
        return list(dict.fromkeys(h for mine in self.by_alert.values() for h in mine))


@dataclass
class Beforehand:
    """Of one decision, made anew where somebody else wrote meanwhile: asked for once."""

    store: Reader
    world: PollWorld
    patience: Patience
    _said: list[Said] = field(default_factory=list)  # what came, once it came
    _thread: threading.Thread | None = None
    _asked: frozenset[Holding] = frozenset()
    _until: float = 0.0

    def __post_init__(self) -> None:
        self._until = self.patience.clock() + SECONDS

    def begin(self, context: Context, plan: Plan) -> None:
        """Ask, beside whatever else is asked, what severe alerts want to know."""
        wanted = _wanted(context, plan)
        holdings = [self._with_shares(context, each) for each in wanted.holdings[:HOLDINGS]]
        if self._thread is not None or not holdings or self.patience.left() < LEAST:
            return
        self._asked = frozenset(holdings)
        watched = (w for h in holdings for w in context.watched.get(h.address, ()))
        pool, may = self.world.pools[context.chain.key], asking.allowed(watched)
        witness = Witness(pool, self.world.clock, may)
        sources = sorted(witness.sources(), key=lambda source: source.name in wanted.reporters)

        def ask() -> None:
            self._said.append(witness.ask(dict.fromkeys(holdings, wanted.top), sources))

        self._thread = threading.Thread(target=ask, name="beforehand", daemon=True)
        self._thread.start()

    def _with_shares(self, context: Context, holding: Holding) -> Holding:
        asset = context.assets.get((context.chain.key, holding.contract))
        return replace(holding, shares=asset.shares) if asset else holding

    def with_held(
        self, context: Context, plan: Plan, batches: Sequence[Batch], alerts: Sequence[Alert]
    ) -> tuple[Alert, ...]:
        """The plan's alerts, severe ones with their assets held against the chain."""
        wanted = _wanted(context, replace(plan, alerts=tuple(alerts)))
        if not wanted.by_alert:
            return tuple(alerts)
        said = self._waited()
        held = _Judge(self.store, self.world, context, plan, batches)
        found = {h: held.of(h, said, self._asked) for h in wanted.holdings}
        return tuple(
            replace(alert, facts=replace(alert.facts, held=tuple(found[h] for h in mine)))
            if (mine := wanted.by_alert.get(alert.id)) and isinstance(alert.facts, Movement)
            else alert
            for alert in alerts
        )

    def _waited(self) -> Said | None:
        """What came; None: not in time, or it was not asked for."""
        if self._thread is None:
            return None
        began = self.patience.clock()
        left = min(self._until - began, self.patience.left())
        self._thread.join(max(0.0, left))
        self.patience.take(self.patience.clock() - began)
        return self._said[0] if self._said else None


@dataclass
class _Judge:
    """The record, with what the plan brings, held against what was said."""

    store: Reader
    world: PollWorld
    context: Context
    plan: Plan
    batches: Sequence[Batch]

    def __post_init__(self) -> None:
        self._laid = enrich.Laid.of(self.plan)
        self._seen = _seen(self.context, self.batches)

    def of(self, holding: Holding, said: Said | None, asked: Collection[Holding]) -> Held:
        meant = next((h for h in asked if replace(h, shares="") == holding), None)
        figure = said.figures.get(meant) if said and meant else None
        if figure is None:
            why = LATE if said is None else said.why.get(meant, "") if meant else ""
            return self._unsaid(holding, why if meant else NOT_ASKED)
        chain, assets, subject = self.context.chain, self.context.assets, figure.subject
        rows = self._rows(subject, holding.contract)
        if rows is None:
            return replace(self._unsaid(holding, ""), reason=MUCH)
        states = stream_states(self.store, subject, self.context.now)
        kept = balances.verdicts(self.store, [subject])[subject].get(holding.contract)
        good, opening = (kept.good, kept.opening) if kept else (None, None)
        if not deciding.unreadable(chain, holding.contract, states):
            opening = None
        rows = list(deciding.counted_from(opening, rows))
        held = deciding.judge(chain, figure, rows, states, assets, good, self._seen, opening)
        if held.reason.startswith(OPENING):
            return replace(held, reason=NOT_COMPLETE)
        if held.state is State.UNEXPLAINED:
            return replace(held, reason=LOOKED_FOR)
        yet = " yet: " in held.reason  # its block is newer than what was just read
        if yet and not deciding.recorded(rows, holding.address, figure).moving:
            equal = held.difference == 0
            reason = "" if equal else f"{deciding.MOVING}: {held.reason}"
            return replace(held, state=State.RECONCILED if equal else held.state, reason=reason)
        return held

    def _rows(self, subject: Subject, contract: str) -> list[Row] | None:
        """What is recorded of an asset, the plan's rows included; None: too much to add up."""
        known = balances.rows_of(self.store, subject, contract)
        rows = [self._laid.over(row) for row in islice(known, ROWS + 1)]
        return None if len(rows) > ROWS else rows + self._laid.added(subject, self.context.now)

    def _unsaid(self, holding: Holding, why: str) -> Held:
        subject = Subject(self.context.chain.key, holding.address)
        of = (holding.contract, why, self.context.assets, self.context.now)
        return deciding.unsaid(self.context.chain, subject, *of)


def _wanted(context: Context, plan: Plan) -> _Wanted:
    """The assets that moved in severe news, by alert."""
    severe = [a for a in plan.alerts if _is_told_at_once(a)]
    if not severe:
        return _Wanted({}, None, frozenset())
    entries = enrich.entries_of(context, plan)
    rows = enrich.transfers_of(context, plan)
    by_alert, heights, moved = {}, set(), set()
    for alert in severe:
        address = entries[alert.entry_id or ""].subject.address
        mine = [t for i in alert.rows if address in (t := rows[i]).parties()]
        amounts = [t for t in mine if not t.kind.nft and not t.kind.numbered]
        contracts = sorted({t.contract or COIN for t in amounts})
        by_alert[alert.id] = tuple(Holding(address, contract) for contract in contracts)
        heights |= {t.block_height for t in mine if t.block_height is not None}
        moved |= {t.identity for t in mine}
    told = {s.source for s in plan.sightings if s.identity in moved}
    told |= {n for r in context.known if r.transfer.identity in moved for n in r.reporters}
    return _Wanted(by_alert, max(heights, default=None), frozenset(told))


def _is_told_at_once(alert: Alert) -> bool:
    loud = alert.severity is Severity.SEVERE and alert.lane is Lane.NEWS
    return loud and isinstance(alert.facts, Movement)


def _seen(context: Context, batches: Sequence[Batch]) -> Mapping[str, int]:
    """How far each list was read in full just now, as far as its source lists that much."""
    found: dict[str, int] = {}
    for batch in batches:
        if batch.read is not None and not batch.doubt and not batch.gaps:
            lag = batch.axis.reach(context.lags.get(batch.source, 0), context.chain)
            for stream in batch.streams:
                found[stream] = max(found.get(stream, 0), batch.read.hi - lag)
    return found
