"""What is unusual about an alert, from the record, before it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.analysis.rules import unusual as rule
from monitor.decide import absence, due
from monitor.loops.lookups import second_source
from monitor.model import (
    Alert,
    AlertKind,
    Entry,
    Row,
    Subject,
    Transfer,
)
from monitor.model.facts import Correction, Facts, InBlock, Movement, SecondSource, Unusual
from monitor.model.plan import Answers, Change, Context, Identity, NewRow, Plan
from monitor.model.transfer import in_transaction
from monitor.store import transfers
from monitor.store.alerts import first_alerts
from monitor.store.coverage import stream_states
from monitor.store.port import Reader

PAST_ROWS = 5000  # rows looked through for one alert's unusual facts
PAST_ROWS_IN_ALL = 200_000  # for all alerts of one plan


def with_facts(store: Reader, context: Context, plan: Plan, answers: Answers) -> tuple[Alert, ...]:
    """The plan's alerts with what is unusual by our own record, frozen into their facts."""
    if not plan.alerts:
        return ()
    about: dict[Subject, list[Alert]] = {}
    entries = entries_of(context, plan)
    for alert in plan.alerts:
        about.setdefault(entries[alert.entry_id or ""].subject, []).append(alert)
    said = _Said.of(context, plan, answers)
    found = _unusual(store, context, plan, about)
    return tuple(
        replace(alert, facts=_facts(store, alert, found.get(alert.id), context, said))
        for alert in plan.alerts
    )


def transfers_of(context: Context, plan: Plan) -> dict[Identity, Transfer]:
    """All that a plan decided on, known before or new."""
    rows = {r.transfer.identity: r.transfer for r in context.known}
    return rows | {r.transfer.identity: r.transfer for r in plan.new}


def entries_of(context: Context, plan: Plan) -> dict[str, Entry]:
    """The entries that alerts are about, by id: those on an address that a row touches."""
    rows = transfers_of(context, plan)
    parties = {p for a in plan.alerts for i in a.rows for p in rows[i].parties()}
    watched = (w for p in parties for w in context.watched.get(p, ()))
    return {w.entry.id: w.entry for w in watched}


def _unusual(
    store: Reader, context: Context, plan: Plan, about: Mapping[Subject, Sequence[Alert]]
) -> dict[str, Unusual]:
    """Unusual facts by alert, from the newest recorded rows of each address."""
    limit = min(PAST_ROWS, max(500, PAST_ROWS_IN_ALL // len(about)))
    laid = Laid.of(plan)
    found: dict[str, Unusual] = {}
    for subject, alerts in about.items():
        asking = [a for a in alerts if a.kind is not AlertKind.CORRECTION]
        if asking:
            past = _past(store, context, laid, subject, limit)
            address, chain = subject.address, context.chain
            found |= rule.facts(asking, address, chain, past, context.assets)
    return found


def _naming_tests(store: Reader, alert: Alert, unusual: Unusual, said: _Said) -> Unusual:
    """Test payments by the alerts that told them; what was not told keeps its hash."""
    txs = list(unusual.test_payments)
    if not txs:
        return unusual
    known = first_alerts(store, alert.entry_id or "", txs)
    named = (known.get(tx) or said.first.get((alert.entry_id, tx)) or tx for tx in txs)
    return replace(unusual, test_payments=tuple(named))


@dataclass(frozen=True, slots=True)
class _Said:
    """What this decision heard, by transaction: in its plan, and as answers to its questions."""

    answers: Answers
    reporters: Mapping[str, frozenset[str]]  # sources that told the transaction, now or before
    absences: Mapping[str, Sequence[tuple[str, int]]]  # (source, head) that left a row out
    first: Mapping[tuple[str | None, str], str]  # (entry, transaction) -> the alert that tells it

    @classmethod
    def of(cls, context: Context, plan: Plan, answers: Answers) -> _Said:
        reporters: dict[str, set[str]] = {}
        absences: dict[str, list[tuple[str, int]]] = {}
        for row in context.known:
            reporters.setdefault(row.transfer.tx, set()).update(row.reporters)
            absences.setdefault(row.transfer.tx, []).extend(row.absences)
        for sighting in plan.sightings:
            reporters.setdefault(sighting.identity[1], set()).add(sighting.source)
        return cls(
            answers,
            {tx: frozenset(told) for tx, told in reporters.items()},
            absences,
            {(a.entry_id, a.tx): a.id for a in plan.alerts if a.tx and a.amends is None},
        )


def _facts(
    store: Reader, alert: Alert, unusual: Unusual | None, context: Context, said: _Said
) -> Facts:
    facts = alert.facts
    if isinstance(facts, Movement) and unusual:
        facts = replace(facts, unusual=_naming_tests(store, alert, unusual, said))
    if isinstance(facts, Correction):
        facts = replace(facts, evidence=(*facts.evidence, *_evidence(alert, facts, said)))
    lookups = said.answers.lookups.get(alert.tx or "", ())
    contradicted = any(lookup.found and lookup.failed for lookup in lookups)
    wanted = alert.severity in due.LOUD or contradicted
    if alert.tx and wanted and in_transaction(alert.tx):
        facts = replace(facts, second_source=_second(alert, context, said))
    return facts


@dataclass(frozen=True, slots=True)
class Laid:
    """A plan's rows, to be laid over the recorded ones."""

    changes: Mapping[int, Change]
    new: Mapping[str, Sequence[NewRow]]  # by address that they touch

    @classmethod
    def of(cls, plan: Plan) -> Laid:
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

    def added(self, subject: Subject, now: int) -> list[Row]:
        """The plan's new rows that touch an address."""
        new = self.new.get(subject.address, ())
        return [Row(0, n.transfer, n.status, 1, now) for n in new]


def _past(store: Reader, context: Context, laid: Laid, subject: Subject, limit: int) -> rule.Past:
    """Recorded rows with this plan's changes laid over them."""
    rows = [laid.over(row) for row in transfers.rows_of_subject(store, subject, limit)]
    whole = len(rows) < limit and _complete(store, subject, context.now)
    rows += laid.added(subject, context.now)
    return rule.Past(tuple(rows), whole)


def _complete(store: Reader, subject: Subject, now: int) -> bool:
    """Whether everything since the address's first block has been read."""
    states = stream_states(store, subject, now)
    return bool(states) and all(
        any(parts and parts[0].lo == 0 and len(parts) == 1 for parts in state.covered.values())
        for state in states.values()
    )


def _second(alert: Alert, context: Context, said: _Said) -> SecondSource:
    """The word of a source of another operator than those that told the transaction, now or
    before; or that there is none to ask."""
    tx = alert.tx or ""
    lookup = second_source(said.answers, tx, said.reporters.get(tx, frozenset()))
    if lookup is None:
        return SecondSource(alone=said.answers.alone)
    agrees = lookup.found and not lookup.failed
    says = "it happened" if agrees else "it failed" if lookup.found else "not found"
    return SecondSource(lookup.source, agrees, says, context.now)


def _evidence(alert: Alert, facts: Correction, said: _Said) -> list[str]:
    """Why a movement no longer counts, in sentences."""
    found = [
        f"{lookup.source} does not know the transaction."
        if not lookup.found
        else f"{lookup.source} shows that the transaction failed."
        if lookup.failed
        else f"{lookup.source} shows it in block {lookup.height}."
        for lookup in said.answers.lookups.get(alert.tx or "", ())
    ]
    was = facts.was or InBlock(None, None)
    found += [
        f"{source} has another block at height {height}: the former one was replaced."
        for (source, height), block in said.answers.hashes.items()
        if block and height == was.height and was.hash not in (None, block)
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
