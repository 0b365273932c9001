"""After the first reading of an entry: what it had done before, as one summary."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.chains.table import STREAM_WORDS
from monitor.decide import coverage, voices
from monitor.decide.concern import is_new
from monitor.decide.loudness import CANARY
from monitor.model import (
    LIVE_STATUSES,
    Alert,
    AlertKind,
    Asset,
    Baseline,
    Chain,
    Entry,
    Head,
    Lane,
    Row,
    Severity,
    Subject,
    Watched,
    life,
)
from monitor.model.acts import DAEMON, TellHistory
from monitor.model.facts import MOST_NAMED, AssetSum, History
from monitor.model.ids import stable_id
from monitor.model.plan import Route
from monitor.model.streams import CANCELS, StreamState, from_its_block, who_is_asked
from monitor.store import dormant, first_read, transfers, watch
from monitor.store.commit import commit
from monitor.store.context import lists_of
from monitor.store.coverage import stream_states
from monitor.store.port import Reader, Store

AT_ONCE = 1000  # summaries in one commit
LIST_DAYS = 30  # movements of this many days before the start are listed singly
LIST_MOST = 200
ACTS_MOST = 20  # of issuers, the newest
ALARM_SECONDS = 72 * 3600  # a movement so shortly before the start is as urgent as the entry
PATIENCE = 6 * 3600  # the summary waits so long for a list that cannot be read


class HistoryWorld(Protocol):
    """The part of PollWorld that the summary needs."""

    @property
    def chains(self) -> Mapping[str, Chain]: ...
    @property
    def assets(self) -> Mapping[tuple[str, str], Asset]: ...
    @property
    def route(self) -> Callable[[Alert, Entry | None], list[Route]]: ...
    @property
    def clock(self) -> Callable[[], int]: ...
    @property
    def since_time(self) -> Callable[[str], int | None]: ...


def tell(store: Store, world: HistoryWorld, untold: Sequence[Watched]) -> None:
    """Make the start-up summary of those of these entries whose history has been read to its
    start."""
    made: list[tuple[Entry, Alert]] = []
    for waiting in untold:
        baseline = waiting.baseline
        if baseline is not None and _history_read(store, world, waiting, baseline):
            made.append((waiting.entry, _summary(store, world, waiting, baseline)))
    for start in range(0, len(made), AT_ONCE):
        part = made[start : start + AT_ONCE]
        routes = [route for entry, alert in part for route in world.route(alert, entry)]
        commit(store, DAEMON, TellHistory(world.clock(), part, routes))


def _history_read(store: Reader, world: HistoryWorld, waiting: Watched, baseline: Baseline) -> bool:
    now = world.clock()
    subject = waiting.entry.subject
    if (never := dormant.of(store, subject)) is not None and never.asleep:
        return True  # there is none
    states = stream_states(store, subject, now)
    held = not waiting.entry.busy and transfers.row_count(store, subject) > transfers.HISTORY_LIMIT
    return bool(states) and all(
        state.unserved
        or _given_up(state, now)
        or (state.ok is not None and (held or not _holes(state, waiting, world, baseline)))
        for state in states.values()
    )


def _given_up(state: StreamState, now: int) -> bool:
    """A list that cannot be read (internal transfers that an explorer never indexes) does
    not hold back what the others brought; the summary says that it is missing."""
    return state.failing is not None and now - state.failing >= PATIENCE


def _holes(state: StreamState, waiting: Watched, world: HistoryWorld, baseline: Baseline) -> bool:
    if state.complete_time is None:
        return True
    if state.below_unserved:
        return False
    since, chain = waiting.entry.since, world.chains[waiting.entry.subject.chain]
    first = Head(baseline.height, baseline.head_time)
    unread = (*state.waiting, *state.missed)
    return all(
        coverage.history_spans(
            state.covered.get(axis, ()),
            coverage.floor(since, world.since_time(since), first, axis, chain),
            unread if axis is state.axis else (),
        )
        # By blocks from where it joined on, below that perhaps along time.
        for axis in {state.axis, *state.covered}
    )


def _summary(store: Reader, world: HistoryWorld, waiting: Watched, baseline: Baseline) -> Alert:
    entry, now = waiting.entry, world.clock()
    on = watch.entries_of(store, [entry.subject])[entry.subject]
    total = _Total(entry, world, baseline)
    for row in transfers.each_row(store, entry.subject):
        if (
            row.status in LIVE_STATUSES
            and not is_new(row.transfer, baseline)
            and _wanted(entry.since, row, world)
        ):
            total.add(row)
    listed = [row.transfer.identity for _, _, row in total.listed()]
    # Of published lists people read one table (loops/morning.py), no mail an address.
    quiet = entry.canary > 0 or entry.origin is not None
    alarming = total.alarming and not entry.canary
    return Alert(
        id=_name(store, entry, baseline),
        kind=AlertKind.HISTORY,
        lane=Lane.QUIET if quiet else Lane.NEWS,
        severity=entry.severity if alarming and not quiet else Severity.LOW,
        created=now,
        chain=entry.subject.chain,
        entry_id=entry.id,
        lane_reason=_why(entry),
        facts=History(
            read_at=now,
            count=len(total.txs),
            by_asset=total.sums(total.flows),
            first=total.first,
            last=total.last,
            covered=tuple(_covered_words(store, entry.subject, now)),
            listed=len({tx for _, tx, _ in listed}),
            alarming=alarming,
            fees=total.fees,
            month=total.sums(total.month),
            month_count=len(total.month_txs),
            on_lists=voices.on_lists(entry, on, lists_of(store, on))[:MOST_NAMED],
        ),
        rows=tuple(listed),
    )


def _name(store: Reader, entry: Entry, baseline: Baseline) -> str:
    """Of its summary. There is another one where more of its history was asked for later."""
    number = 0
    while True:
        name = stable_id("H", entry.id, str(baseline.height), *([str(number)] if number else []))
        if not first_read.told(store, [name]):
            return name
        number += 1


def _why(entry: Entry) -> str:
    if entry.canary:
        return CANARY
    if entry.origin is not None:
        return "What an address of a published list had done stands in the summary of the list."
    return "One summary follows the first reading of an address."


@dataclass
class _Flow:
    """What came and went of one asset, in base units, and its newest row's (time, id)."""

    came: int = 0
    went: int = 0
    newest: tuple[float, int] = (0, 0)


@dataclass
class _Total:
    """What a history comes to, row by row: those of a busy address do not fit in memory."""

    entry: Entry
    world: HistoryWorld
    baseline: Baseline
    txs: set[int] = field(default_factory=set)  # hashes of the names: they are only counted
    flows: dict[str | None, _Flow] = field(default_factory=dict)  # by contract
    month: dict[str | None, _Flow] = field(default_factory=dict)  # of the last LIST_DAYS days
    month_txs: set[int] = field(default_factory=set)
    fees: int = 0
    recent: list[tuple[int, int, Row]] = field(default_factory=list)  # heap: (time, id, row)
    acts: list[tuple[int, int, Row]] = field(default_factory=list)  # heap, as `recent`
    first: int | None = None
    last: int | None = None
    alarming: bool = False

    def listed(self) -> list[tuple[int, int, Row]]:
        """Rows that stand in the summary one by one, newest first: recent ones, and whatever
        an issuer did, however long ago, because it may hold to this day."""
        return sorted((*self.recent, *self.acts), reverse=True)

    def add(self, row: Row) -> None:
        """Take in one row, in any order."""
        if row.transfer.kind.fee:
            paid = row.transfer.sender == self.entry.subject.address
            self.fees += row.transfer.amount if paid else 0
            return
        self.txs.add(hash(row.transfer.tx))
        self._sum(row, self.flows)
        when = row.transfer.time
        if when is None:
            return
        self.first = when if self.first is None else min(self.first, when)
        self.last = when if self.last is None else max(self.last, when)
        if row.transfer.kind.act:
            _push(self.acts, (when, row.id, row), ACTS_MOST)
        elif when >= self.baseline.time - LIST_DAYS * 86_400:
            _push(self.recent, (when, row.id, row), LIST_MOST)
            self.month_txs.add(hash(row.transfer.tx))
            self._sum(row, self.month)
        if when >= self.baseline.time - ALARM_SECONDS:
            self.alarming = self.alarming or _serious(row, self.entry, self.world)

    def _sum(self, row: Row, flows: dict[str | None, _Flow]) -> None:
        t, address = row.transfer, self.entry.subject.address
        if t.kind.nft or t.kind.numbered:
            return  # counts of different tokens do not add up to an amount
        flow = flows.setdefault(t.contract, _Flow())
        flow.came += t.amount if t.recipient == address else 0
        flow.went += t.amount if t.sender == address else 0
        flow.newest = max(flow.newest, (math.inf if t.time is None else t.time, row.id))

    def sums(self, flows: Mapping[str | None, _Flow]) -> tuple[AssetSum, ...]:
        """Sums of the assets that moved last, those with a trusted name first."""
        chain = self.world.chains[self.entry.subject.chain]
        found = []
        for contract, flow in sorted(flows.items(), key=lambda f: f[1].newest, reverse=True):
            asset = self.world.assets.get((chain.key, contract)) if contract else None
            verified = asset is not None or contract is None
            found.append(
                AssetSum(
                    symbol=asset.symbol if asset else chain.symbol if contract is None else "",
                    contract=contract,
                    verified=verified,
                    came=flow.came,
                    went=flow.went,
                    decimals=asset.decimals if asset else chain.decimals if verified else None,
                )
            )
        return tuple(sorted(found, key=lambda a: a.symbol == "")[:20])


def _push(heap: list[tuple[int, int, Row]], each: tuple[int, int, Row], most: int) -> None:
    heapq.heappush(heap, each)
    if len(heap) > most:
        heapq.heappop(heap)


def _wanted(since: str, row: Row, world: HistoryWorld) -> bool:
    if since == "first":
        return True
    if since.isdecimal():
        height = row.transfer.block_height
        return height is None or height >= int(since)
    return (row.transfer.time or 0) >= (world.since_time(since) or 0)


def _serious(row: Row, entry: Entry, world: HistoryWorld) -> bool:
    t = row.transfer
    known = t.contract is None or (t.chain, t.contract) in world.assets
    return t.amount > 0 and (known or t.sender == entry.subject.address)


def _covered_words(store: Reader, subject: Subject, now: int) -> list[str]:
    never = dormant.of(store, subject)
    if never is not None and never.asleep:
        return [life.proven(never)]
    words = []
    order = [*STREAM_WORDS]
    states = stream_states(store, subject, now)
    for stream in sorted(states, key=lambda s: (order.index(s) if s in order else len(order), s)):
        state = states[stream]
        name = STREAM_WORDS.get(stream, stream)
        if state.shown:
            asked = who_is_asked(state.shown)
            words.append(f"{name}: where coins moved, balances show it; {asked}; {CANCELS}.")
        elif state.unserved:
            words.append(f"{name}: not covered, no configured source lists them.")
        elif state.below_unserved:
            words.append(f"{name}: {from_its_block(state)}")
        elif state.ok is None:
            words.append(f"{name}: could not be read yet.")
        elif state.failing is not None:
            words.append(f"{name}: read at {state.source}, but not in full yet.")
        else:
            words.append(f"{name}: read at {state.source}.")
    return words
