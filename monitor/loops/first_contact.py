"""What the record adds to alerts: unusual facts, and the summary after first contact."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from monitor.analysis.rules import unusual
from monitor.chains.address import stable_id
from monitor.decide import absence, coverage
from monitor.decide.due import is_new
from monitor.decide.loudness import CANARY
from monitor.loops.lookups import second_source
from monitor.model import (
    ACTS,
    LIVE_STATUSES,
    Alert,
    AlertKind,
    Asset,
    Baseline,
    Chain,
    Entry,
    Head,
    Kind,
    Lane,
    Row,
    Severity,
    Subject,
    Watched,
)
from monitor.model.plan import Answers, Change, Context, NewRow, Plan, Route
from monitor.store import journal, record, watch
from monitor.store.record import StreamState
from monitor.store.sqlite import Store
from monitor.store.views import STREAM_WORDS

LIST_DAYS = 30  # movements of this many days before the start are listed singly
LIST_MOST = 200
ACTS_MOST = 20  # of issuers, the newest
ALARM_SECONDS = 72 * 3600  # a movement so shortly before the start is as urgent as the entry
PATIENCE = 6 * 3600  # the summary waits so long for a list that cannot be read
PAST_ROWS = 5000  # rows looked through for one alert's unusual facts
PAST_ROWS_IN_ALL = 200_000  # for all alerts of one plan


class HistoryWorld(Protocol):
    """The part of poll.World that the summary needs."""

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


def with_facts(store: Store, context: Context, plan: Plan, answers: Answers) -> tuple[Alert, ...]:
    """The plan's alerts with what is unusual by our own record, frozen into their facts."""
    if not plan.alerts:
        return ()
    about: dict[Subject, list[Alert]] = {}
    entries = _entries_of(context, plan)
    for alert in plan.alerts:
        about.setdefault(entries[alert.entry_id or ""].subject, []).append(alert)
    said = _Said.of(context, plan, answers)
    facts = _unusual(store, context, plan, about)
    return tuple(
        _naming_tests(store, _with_facts(alert, facts.get(alert.id, {}), context, said), said)
        for alert in plan.alerts
    )


def _entries_of(context: Context, plan: Plan) -> dict[str, Entry]:
    """The entries that alerts are about, by id: those on an address that a row touches."""
    rows = {r.transfer.identity: r.transfer for r in context.known}
    rows |= {r.transfer.identity: r.transfer for r in plan.new}
    parties = {p for a in plan.alerts for i in a.rows for p in rows[i].parties()}
    watched = (w for p in parties for w in context.watched.get(p, ()))
    return {w.entry.id: w.entry for w in watched}


def _unusual(
    store: Store, context: Context, plan: Plan, about: Mapping[Subject, Sequence[Alert]]
) -> dict[str, dict[str, Any]]:
    """Unusual facts by alert, from the newest recorded rows of each address."""
    limit = min(PAST_ROWS, max(500, PAST_ROWS_IN_ALL // len(about)))
    laid = _Laid.of(plan)
    found: dict[str, dict[str, Any]] = {}
    for subject, alerts in about.items():
        asking = [a for a in alerts if a.kind is not AlertKind.CORRECTION]
        if asking:
            past = _past(store, context, laid, subject, limit)
            address, chain = subject.address, context.chain
            found |= unusual.facts(asking, address, chain, past, context.assets)
    return found


def _naming_tests(store: Store, alert: Alert, said: _Said) -> Alert:
    """Test payments by the alerts that told them; what was not told keeps its hash."""
    txs: list[str] = list(alert.facts.get("test_payments") or ())
    if not txs:
        return alert
    known = journal.first_alerts(store, alert.entry_id or "", txs)
    named = [known.get(tx) or said.first.get((alert.entry_id, tx)) or tx for tx in txs]
    return replace(alert, facts={**alert.facts, "test_payments": named})


@dataclass(frozen=True, slots=True)
class _Said:
    """What this decision heard, by transaction: in its plan, and as answers to its questions."""

    answers: Answers
    tellers: Mapping[str, frozenset[str]]  # sources that told the transaction, now or before
    absences: Mapping[str, Sequence[tuple[str, int]]]  # (source, head) that left a row out
    first: Mapping[tuple[str | None, str], str]  # (entry, transaction) -> the alert that tells it

    @classmethod
    def of(cls, context: Context, plan: Plan, answers: Answers) -> _Said:
        tellers: dict[str, set[str]] = {}
        absences: dict[str, list[tuple[str, int]]] = {}
        for row in context.known:
            tellers.setdefault(row.transfer.tx, set()).update(row.tellers)
            absences.setdefault(row.transfer.tx, []).extend(row.absences)
        for sighting in plan.sightings:
            tellers.setdefault(sighting.identity[1], set()).add(sighting.source)
        return cls(
            answers,
            {tx: frozenset(told) for tx, told in tellers.items()},
            absences,
            {(a.entry_id, a.tx): a.id for a in plan.alerts if a.tx and a.amends is None},
        )


def _with_facts(
    alert: Alert, unusual_facts: Mapping[str, Any], context: Context, said: _Said
) -> Alert:
    facts: dict[str, Any] = {**alert.facts, **unusual_facts}
    if alert.kind is AlertKind.CORRECTION:
        facts["correction"] = {**facts["correction"], "evidence": _evidence(alert, said)}
    words = said.answers.words.get(alert.tx or "", ())
    contradicted = any(word.found and word.failed for word in words)
    if alert.tx and (alert.severity is Severity.SEVERE or contradicted):
        facts["second_source"] = _second(alert, context, said)
    return replace(alert, facts=facts)


@dataclass(frozen=True, slots=True)
class _Laid:
    """A plan's rows, to be laid over the recorded ones."""

    changes: Mapping[int, Change]
    new: Mapping[str, Sequence[NewRow]]  # by address that they touch

    @classmethod
    def of(cls, plan: Plan) -> _Laid:
        new: dict[str, list[NewRow]] = {}
        for row in plan.new:
            for party in dict.fromkeys(row.transfer.parties()):
                new.setdefault(party, []).append(row)
        return cls({c.row_id: c for c in plan.changes}, new)

    def over(self, row: Row) -> Row:
        change = self.changes.get(row.id)
        if change is None:
            return row
        return replace(row, transfer=change.transfer, status=change.status)


def _past(
    store: Store, context: Context, laid: _Laid, subject: Subject, limit: int
) -> unusual.Past:
    """Recorded rows with this plan's changes laid over them."""
    rows = [laid.over(row) for row in record.rows_of_subject(store, subject, limit)]
    whole = len(rows) < limit and _complete(store, subject, context.now)
    new = laid.new.get(subject.address, ())
    rows += [Row(0, n.transfer, n.status, 1, context.now) for n in new]
    return unusual.Past(tuple(rows), whole)


def _complete(store: Store, subject: Subject, now: int) -> bool:
    """Whether everything since the address's first block has been read."""
    states = record.stream_states(store, subject, now)
    return bool(states) and all(
        any(parts and parts[0].lo == 0 and len(parts) == 1 for parts in state.covered.values())
        for state in states.values()
    )


def _second(alert: Alert, context: Context, said: _Said) -> dict[str, Any] | None:
    """The word of a source that has not told the transaction itself, now or before; or that
    there is none to ask."""
    tx = alert.tx or ""
    word = second_source(said.answers.words, tx, said.tellers.get(tx, frozenset()))
    if word is None:
        return {"asked": False, "why": "none"} if said.answers.alone else None
    agrees = word.found and not word.failed
    says = "it happened" if agrees else "it failed" if word.found else "not found"
    return {"source": word.source, "agrees": agrees, "says": says, "at": context.now}


def _evidence(alert: Alert, said: _Said) -> list[str]:
    """Why a movement no longer counts, in sentences."""
    found = [
        f"{word.source} does not know the transaction."
        if not word.found
        else f"{word.source} shows that the transaction failed."
        if word.failed
        else f"{word.source} shows it in block {word.height}."
        for word in said.answers.words.get(alert.tx or "", ())
    ]
    told = alert.facts["correction"]
    found += [
        f"{source} has another block at height {height}: the former one was replaced."
        for (source, height), block in said.answers.hashes.items()
        if block and height == told.get("was_height") and told.get("was_hash") not in (None, block)
    ]
    lists, asked = absence.left_out(tuple(said.absences.get(alert.tx or "", ())))
    found += [
        f"{source}, which told it, left it out of complete lists, first at block {min(heads)}."
        for source, heads in lists.items()
    ]
    found += [
        f"{source} did not know the transaction either, asked first at block {min(heads)}."
        for source, heads in asked.items()
    ]
    return found


# -- the summary after first contact ---------------------------------------------------


def tell(store: Store, world: HistoryWorld, subject: Subject, watched: Sequence[Watched]) -> None:
    """Make the start-up summary of every entry whose history has been read to its start."""
    for waiting in watch.history_due(store, subject) if watched else ():
        baseline = waiting.baseline
        if baseline is not None and _history_read(store, world, waiting, baseline):
            alert = _summary(store, world, waiting, baseline)
            watch.tell_history(store, waiting.entry.id, alert, world.route(alert, waiting.entry))


def _history_read(store: Store, world: HistoryWorld, waiting: Watched, baseline: Baseline) -> bool:
    now = world.clock()
    subject = waiting.entry.subject
    states = record.stream_states(store, subject, now)
    held = not waiting.entry.busy and record.row_count(store, subject) > record.HISTORY_LIMIT
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
    since, chain = waiting.entry.since, world.chains[waiting.entry.subject.chain]
    first = Head(baseline.height, baseline.head_time)
    floor = coverage.floor(since, world.since_time(since), first, state.axis, chain)
    parts = state.covered.get(state.axis, ())
    return bool(coverage.history_spans(parts, floor, state.waiting))


def _summary(store: Store, world: HistoryWorld, waiting: Watched, baseline: Baseline) -> Alert:
    entry, now = waiting.entry, world.clock()
    total = _Total(entry, world, baseline)
    for row in record.each_row(store, entry.subject):
        if (
            row.status in LIVE_STATUSES
            and not is_new(row.transfer, baseline)
            and row.transfer.kind is not Kind.FEE
            and _wanted(entry.since, row, world)
        ):
            total.add(row)
    listed = [row.transfer.identity for _, _, row in total.listed()]
    alarming = total.alarming and not entry.canary
    return Alert(
        id=stable_id("H", entry.id, str(baseline.height)),
        kind=AlertKind.HISTORY,
        lane=Lane.QUIET if entry.canary else Lane.NEWS,
        severity=entry.severity if alarming else Severity.LOW,
        created=now,
        chain=entry.subject.chain,
        entry_id=entry.id,
        lane_reason=CANARY
        if entry.canary
        else "One summary follows the first reading of an address.",
        facts={
            "history": {
                "count": len(total.txs),
                "by_asset": total.by_asset(),
                "from": total.first,
                "to": total.last,
                "covered": _covered_words(store, entry.subject, now),
                "listed": len({tx for _, tx, _ in listed}),
                "alarming": alarming,
            },
            "read_at": now,
        },
        rows=tuple(listed),
    )


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
        self.txs.add(hash(row.transfer.tx))
        self._sum(row)
        when = row.transfer.time
        if when is None:
            return
        self.first = when if self.first is None else min(self.first, when)
        self.last = when if self.last is None else max(self.last, when)
        if row.transfer.kind in ACTS:
            _push(self.acts, (when, row.id, row), ACTS_MOST)
        elif when >= self.baseline.time - LIST_DAYS * 86_400:
            _push(self.recent, (when, row.id, row), LIST_MOST)
        if when >= self.baseline.time - ALARM_SECONDS:
            self.alarming = self.alarming or _serious(row, self.entry, self.world)

    def _sum(self, row: Row) -> None:
        t, address = row.transfer, self.entry.subject.address
        if t.kind in (Kind.ERC721, Kind.ERC1155, Kind.TRC10):
            return  # counts of different tokens do not add up to an amount
        flow = self.flows.setdefault(t.contract, _Flow())
        flow.came += t.amount if t.recipient == address else 0
        flow.went += t.amount if t.sender == address else 0
        flow.newest = max(flow.newest, (math.inf if t.time is None else t.time, row.id))

    def by_asset(self) -> list[dict[str, Any]]:
        """Sums of the assets that moved last, those with a trusted name first."""
        chain = self.world.chains[self.entry.subject.chain]
        found = []
        for contract, flow in sorted(self.flows.items(), key=lambda f: f[1].newest, reverse=True):
            asset = self.world.assets.get((chain.key, contract)) if contract else None
            verified = asset is not None or contract is None
            found.append(
                {
                    "symbol": asset.symbol if asset else chain.symbol if contract is None else "",
                    "contract": contract,
                    "verified": verified,
                    "in": str(flow.came),
                    "out": str(flow.went),
                    "decimals": asset.decimals if asset else chain.decimals if verified else None,
                }
            )
        return sorted(found, key=lambda a: a["symbol"] == "")[:20]


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


def _covered_words(store: Store, subject: Subject, now: int) -> list[str]:
    words = []
    order = [*STREAM_WORDS]
    states = record.stream_states(store, subject, now)
    for stream in sorted(states, key=lambda s: (order.index(s) if s in order else len(order), s)):
        state = states[stream]
        name = STREAM_WORDS.get(stream, stream)
        if state.unserved:
            words.append(f"{name}: not covered, no configured source lists them.")
        elif state.ok is None:
            words.append(f"{name}: could not be read yet.")
        elif state.failing is not None:
            words.append(f"{name}: read at {state.source}, but not in full yet.")
        else:
            words.append(f"{name}: read at {state.source}.")
    return words
