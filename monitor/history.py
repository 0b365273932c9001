"""What the record adds to alerts: unusual facts, and the summary after first contact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from monitor import coverage, unusual
from monitor.chains import stable_id
from monitor.model import (
    LIVE_STATUSES,
    Alert,
    AlertKind,
    Asset,
    Baseline,
    Chain,
    Entry,
    Kind,
    Lane,
    Row,
    Severity,
    Subject,
    Watched,
)
from monitor.news import is_new
from monitor.plan import Context, Plan
from monitor.questions import Answers, second_source
from monitor.store import Store, record, watch
from monitor.store.record import Route, StreamState

LIST_DAYS = 30  # movements of this many days before the start are listed singly
LIST_MOST = 200
ALARM_SECONDS = 72 * 3600  # a movement so shortly before the start is as urgent as the entry
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
    limit = min(PAST_ROWS, max(500, PAST_ROWS_IN_ALL // len(plan.alerts)))
    entries = {w.entry.id: w.entry for ws in context.watched.values() for w in ws}
    pasts: dict[Subject, unusual.Past] = {}
    found = []
    for alert in plan.alerts:
        entry = entries[alert.entry_id or ""]
        if entry.subject not in pasts:
            pasts[entry.subject] = _past(store, context, plan, entry.subject, limit)
        found.append(_with_facts(alert, entry, context, pasts[entry.subject], answers))
    return tuple(found)


def _with_facts(
    alert: Alert, entry: Entry, context: Context, past: unusual.Past, answers: Answers
) -> Alert:
    facts: dict[str, Any] = dict(alert.facts)
    if alert.kind is AlertKind.CORRECTION:
        facts["correction"] = {
            **facts["correction"],
            "evidence": _evidence(alert, context, answers),
        }
    else:
        address = entry.subject.address
        facts |= unusual.facts(alert, address, context.chain, past, context.assets)
    if alert.severity is Severity.SEVERE and alert.tx:
        facts["second_source"] = _second(alert, context, answers)
    return replace(alert, facts=facts)


def _past(store: Store, context: Context, plan: Plan, subject: Subject, limit: int) -> unusual.Past:
    """Recorded rows with this plan's changes laid over them."""
    changed = {c.row_id: c for c in plan.changes}
    rows = []
    for row in record.rows_of_subject(store, subject, limit):
        change = changed.get(row.id)
        if change is not None:
            row = replace(row, transfer=change.transfer, status=change.status)  # noqa: PLW2901
        rows.append(row)
    whole = len(rows) < limit and _complete(store, subject, context.now)
    legs = [
        Row(0, n.transfer, n.status, 1, context.now)
        for n in plan.new
        if context.chain.family == "utxo" or subject.address in n.transfer.parties()
    ]
    return unusual.Past((*rows, *legs), whole)


def _complete(store: Store, subject: Subject, now: int) -> bool:
    """Whether everything since the address's first block has been read."""
    states = record.stream_states(store, subject, now)
    return bool(states) and all(
        any(parts and parts[0].lo == 0 and len(parts) == 1 for parts in state.covered.values())
        for state in states.values()
    )


def _second(alert: Alert, context: Context, answers: Answers) -> dict[str, Any] | None:
    tellers = frozenset(
        t for row in context.known if row.transfer.tx == alert.tx for t in row.tellers
    )
    word = second_source(answers.words, alert.tx or "", tellers)
    if word is None:
        return None
    agrees = word.found and not word.failed
    return {"source": word.source, "agrees": agrees, "at": context.now}


def _evidence(alert: Alert, context: Context, answers: Answers) -> list[str]:
    """Why a movement no longer counts, in sentences."""
    found = [
        f"{word.source} does not know the transaction."
        if not word.found
        else f"{word.source} knows the transaction, but as failed."
        if word.failed
        else f"{word.source} shows it in block {word.height}."
        for word in answers.words.get(alert.tx or "", ())
    ]
    heads: dict[str, set[int]] = {}
    for row in context.known:
        if row.transfer.tx == alert.tx:
            for source, head in row.absences:
                heads.setdefault(source, set()).add(head)
    found += [
        f"{source}, which told it, left it out of complete lists, first at block {min(seen)}."
        for source, seen in heads.items()
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
        or (state.ok is not None and (held or not _holes(state, waiting, world, baseline)))
        for state in states.values()
    )


def _holes(state: StreamState, waiting: Watched, world: HistoryWorld, baseline: Baseline) -> bool:
    if state.complete_time is None:
        return True
    floor = _floor(waiting.entry.since, world, baseline, state.axis, waiting.entry.subject.chain)
    parts = state.covered.get(state.axis, ())
    return bool(coverage.history_spans(parts, floor, state.waiting))


def _floor(since: str, world: HistoryWorld, baseline: Baseline, axis: str, chain_key: str) -> int:
    """Where an entry's history begins, seen from its first contact."""
    chain = world.chains[chain_key]
    if since == "first":
        return 0
    if since.isdecimal():
        blocks = max(0, baseline.height - int(since))
        return (
            int(since)
            if axis == "height"
            else int((baseline.head_time - blocks * chain.block_time) * 1000)
        )
    when = world.since_time(since) or 0
    if axis == "time":
        return when * 1000
    back = max(0, baseline.head_time - when) / chain.block_time
    return max(0, baseline.height - int(back))


def _summary(store: Store, world: HistoryWorld, waiting: Watched, baseline: Baseline) -> Alert:
    entry, now = waiting.entry, world.clock()
    rows = [
        r
        for r in record.rows_of_subject(store, entry.subject)
        if r.status in LIVE_STATUSES
        and not is_new(r.transfer, baseline)
        and r.transfer.kind is not Kind.FEE
    ]
    rows = [r for r in rows if _wanted(entry.since, r, world)]
    recent = [r for r in rows if (r.transfer.time or 0) >= baseline.time - LIST_DAYS * 86_400]
    alarming = any(
        (r.transfer.time or 0) >= baseline.time - ALARM_SECONDS and _serious(r, entry, world)
        for r in recent
    )
    times = [r.transfer.time for r in rows if r.transfer.time is not None]
    return Alert(
        id=stable_id("H", entry.id, str(baseline.height)),
        kind=AlertKind.HISTORY,
        lane=Lane.NEWS,
        severity=entry.severity if alarming else Severity.LOW,
        created=now,
        chain=entry.subject.chain,
        entry_id=entry.id,
        lane_reason="One summary follows the first reading of an address.",
        facts={
            "history": {
                "count": len({r.transfer.tx for r in rows}),
                "by_asset": _by_asset(rows, entry, world),
                "from": min(times, default=None),
                "to": max(times, default=None),
                "covered": _covered_words(store, entry.subject, now),
                "listed": len({r.transfer.tx for r in recent[:LIST_MOST]}),
                "alarming": alarming,
            },
            "read_at": now,
        },
        rows=tuple(r.transfer.identity for r in recent[:LIST_MOST]),
    )


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


def _by_asset(rows: Sequence[Row], entry: Entry, world: HistoryWorld) -> list[dict[str, Any]]:
    chain, address = world.chains[entry.subject.chain], entry.subject.address
    sums: dict[str | None, list[int]] = {}
    for row in rows:
        t = row.transfer
        if t.kind in (Kind.ERC721, Kind.ERC1155):
            continue  # counts of different tokens do not add up to an amount
        pair = sums.setdefault(t.contract, [0, 0])
        pair[0] += t.amount if t.recipient == address else 0
        pair[1] += t.amount if t.sender == address else 0
    found = []
    for contract, (came, went) in sums.items():
        asset = world.assets.get((chain.key, contract)) if contract else None
        verified = asset is not None or contract is None
        found.append(
            {
                "symbol": asset.symbol if asset else chain.symbol if contract is None else "",
                "contract": contract,
                "in": str(came),
                "out": str(went),
                "decimals": asset.decimals if asset else chain.decimals if verified else None,
            }
        )
    return sorted(found, key=lambda a: a["symbol"] == "")[:20]


def _covered_words(store: Store, subject: Subject, now: int) -> list[str]:
    words = []
    for stream, state in sorted(record.stream_states(store, subject, now).items()):
        if state.unserved:
            words.append(f"{stream}: not covered, no configured source lists it.")
        elif state.ok is None:
            words.append(f"{stream}: could not be read yet.")
        else:
            words.append(f"{stream}: read by {state.source}.")
    return words
