"""Which alerts the rows of a transaction call for. Pure.

Alerts depend on rows, not on which poll brought them: each row is held against every entry
of every address that it touches; an alert is due if there is none for (entry, transaction).
Of the entries that come of published lists one speaks for all: voices.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.decide import paid, voices
from monitor.decide.concern import Concern
from monitor.decide.standing import Standing
from monitor.model import (
    LIVE_STATUSES,
    Alert,
    AlertKind,
    Baseline,
    Interval,
    Lane,
    Severity,
    Watched,
)
from monitor.model.plan import Context, Identity, Question

# Of these a source of another operator is asked, too.
LOUD = frozenset({Severity.SEVERE, Severity.HIGH})


def alerts(
    context: Context,
    standing: Mapping[Identity, Standing],
    baselines: Mapping[str, Baseline],
    head: int,
    signatures: Mapping[str, Sequence[Interval]],
) -> tuple[tuple[Alert, ...], tuple[Question, ...]]:
    """Alerts that are due, and look-ups at a second source that loud ones ask for.

    `signatures`: where the list of transactions that a followed address signed was read, so
    that the absence of its fee means that somebody else signed.
    """
    by_tx: dict[str, list[Standing]] = {}
    for stood in standing.values():
        by_tx.setdefault(stood.transfer.tx, []).append(stood)
    told: dict[tuple[str | None, str], list[Alert]] = {}
    told_of: dict[str, list[Alert]] = {}
    for alert in context.alerts:
        for tx, part in _by_tx(alert).items():
            told.setdefault((alert.entry_id, tx), []).append(part)
            told_of.setdefault(tx, []).append(part)
    due: list[Alert] = []
    payments = paid.payments(context, by_tx)
    for tx in sorted(by_tx):
        rows = _by_party(by_tx[tx])
        legs = [s.transfer for s in by_tx[tx] if s.status in LIVE_STATUSES]
        cases = []
        concerned = _concerned(context, rows)
        named, left = _in_stead(told_of.get(tx, ()), {w.entry.id for w in concerned})
        for watched in concerned:
            before = told.get((watched.entry.id, tx), ())
            mine = rows[watched.entry.subject.address]
            signed = signatures.get(watched.entry.subject.address, ())
            case = Concern(context, watched, mine, legs, before, baselines, head, signed)
            who = watched.entry.id
            others = tuple(named.get(who, ()))
            cases.append(replace(case, named=others, left=tuple(left.get(who, ()))))
        for case, heard in voices.spoken(cases):
            due.extend(replace(case, voices=heard, payments=payments).due())
    return tuple(due), tuple(_second_source(due))


def _in_stead(
    alerts: Iterable[Alert], watched: Collection[str]
) -> tuple[dict[str, list[Alert]], dict[str, list[Alert]]]:
    """By the entry of a list: what others told of a transaction and named it, and of these what
    entries told that are not `watched` any more. Start-up summaries tell it in nobody's stead."""
    named: dict[str, list[Alert]] = {}
    left: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.entry_id is None or alert.kind is AlertKind.HISTORY:
            continue
        for each in alert.facts.on_lists:
            if each.entry != alert.entry_id:
                named.setdefault(each.entry, []).append(alert)
                if alert.entry_id not in watched:
                    left.setdefault(each.entry, []).append(alert)
    return named, left


def _by_tx(alert: Alert) -> dict[str, Alert]:
    """An alert by its transaction; a start-up summary lists rows of many."""
    if alert.tx is not None:
        return {alert.tx: alert}
    rows: dict[str, list[Identity]] = {}
    for identity in alert.rows:
        rows.setdefault(identity[1], []).append(identity)
    return {tx: replace(alert, rows=tuple(listed)) for tx, listed in rows.items()}


def _by_party(rows: Sequence[Standing]) -> dict[str, list[Standing]]:
    """Rows of one transaction by the addresses that they touch."""
    found: dict[str, list[Standing]] = {}
    for stood in rows:
        for address in dict.fromkeys(stood.transfer.parties()):
            found.setdefault(address, []).append(stood)
    return found


def _concerned(context: Context, addresses: Iterable[str]) -> list[Watched]:
    """Active entries of these addresses, each once."""
    found: dict[str, Watched] = {}
    for address in addresses:
        for watched in context.watched.get(address, ()):
            if watched.active:
                found[watched.entry.id] = watched
    return [found[key] for key in sorted(found)]


def _second_source(due: Sequence[Alert]) -> list[Question]:
    """The severe first."""
    loud = [a for a in due if a.severity in LOUD and a.lane is Lane.NEWS]
    loud.sort(key=lambda alert: alert.severity is not Severity.SEVERE)
    return [Question(tx, why="second source") for tx in dict.fromkeys(a.tx for a in loud if a.tx)]
