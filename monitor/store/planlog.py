"""What the log says of a plan: all that its rows, alerts and baselines can be worked out from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.model import Alert, Baseline, Transfer
from monitor.model.answers import HEAD, Kept
from monitor.model.plan import Change, Identity, Plan, Sighting
from monitor.store.log import Part, cases_of
from monitor.store.port import Connection
from monitor.store.rows import ALERT_COLUMNS, TRANSFER_COLUMNS, alert_params

# What a change may change of a row, in the order in which the log gives it.
CHANGED = (
    *("block_height", "block_hash", "time", "tx_index", "log_index", "trace_path", "spends"),
    *("status", "absences"),
)
# A new row, and by number the answers that told it in the block that it names: block_hash, else
# block_height. All other sightings stand in `sighted`. They are of the time of the act.
NEW = (*TRANSFER_COLUMNS.split(", "), "status", "late", "first_seen", "answers")
SIGHTED = ("chain", "tx", "leg", "block", "answer")
ANSWERS = ("source", "sha256")
# Of the answers that are kept as evidence of these rows: as it came, and as it is kept.
KEPT = ("sha256", "body_sha256")
ALERT = ALERT_COLUMNS.split(", ")

Cases = frozenset[str]
Columns = tuple[Any, ...]  # of a new row
New = Mapping[Identity, Columns]
Met = Mapping[tuple[str, Baseline], str]
NOBODY: Cases = frozenset()


def parts(conn: Connection, plan: Plan, new: New, met: Met) -> list[Part]:
    """Rows by the cases that they concern, alerts and baselines by the case of their entry; no
    part where a plan brought nothing of all that. To be asked before the rows change. `new`: the
    columns of its new rows; `met`: the cases of entries to which it brought these baselines."""
    if not (plan.new or plan.changes or plan.sightings or plan.alerts or plan.baselines):
        return []
    return [
        *_rows(conn, plan, new),
        *_baselines(plan, met),
        *alert_parts(conn, plan.alerts),
    ]


def alert_parts(conn: Connection, alerts: Sequence[Alert]) -> list[Part]:
    """Alerts with all their columns and the rows that they tell of, case by case."""
    cases = cases_of(conn, (a.entry_id for a in alerts if a.entry_id))
    found: dict[Cases, list[object]] = {}
    for alert in alerts:
        mine = cases.get(alert.entry_id or "")
        told = [*alert_params(alert), alert.rows]
        found.setdefault(frozenset({mine} if mine else ()), []).append(told)
    return [
        Part("alerts", {"columns": [*ALERT, "rows"], "alerts": told}, mine)
        for mine, told in found.items()
    ]


def _baselines(plan: Plan, met: Met) -> list[Part]:
    found: dict[str, list[object]] = defaultdict(list)
    for entry, base in dict.fromkeys(plan.baselines):
        if (case := met.get((entry, base))) is not None:
            found[case].append([entry, base.height, base.time, base.head_time])
    return [
        Part("baselines", {"baselines": lines}, frozenset(filter(None, [mine])))
        for mine, lines in found.items()
    ]


def _rows(conn: Connection, plan: Plan, new: New) -> list[Part]:
    """New rows, changed ones (as they were and as they are) and who reported them."""
    evidence = _Evidence(plan.kept)
    groups: dict[Cases, _Group] = defaultdict(lambda: _Group({*evidence.heads}))
    whose, told = _Whose(plan.cases), _Told(plan.sightings)
    for row, (identity, columns) in zip(plan.new, new.items(), strict=True):
        group = groups[whose(row.transfer.sender, row.transfer.recipient)]
        group.kept.update(evidence.of(row.transfer.tx))
        group.add(identity, columns, _block(row.transfer), told.take(identity))
    for change in plan.changes:
        group = groups[whose(change.transfer.sender, change.transfer.recipient)]
        group.kept.update(evidence.of(change.transfer.tx))
        group.changed.append(_changed(conn, change))
    for identity in told.left():
        group = groups[whose(*_parties(conn, identity))]
        group.kept.update(evidence.of(identity[1]))
        group.note(identity, told.take(identity))
    for tx, identity in _told_anew(plan).items():
        if numbers := evidence.of(tx):
            groups[whose(*_parties(conn, identity))].kept.update(numbers)
    return [Part("rows", group.body(plan.kept), mine) for mine, group in groups.items()]


def _told_anew(plan: Plan) -> dict[str, Identity]:
    """Transactions that an alert tells of and whose rows were known already, as for an entry that
    is new on the list, with one of their rows each."""
    fresh = {new.transfer.tx for new in plan.new} | {c.transfer.tx for c in plan.changes}
    fresh |= {seen.identity[1] for seen in plan.sightings}
    told = {a.tx: a.rows[0] for a in plan.alerts if a.tx and a.rows}
    return {tx: identity for tx, identity in told.items() if tx not in fresh}


class _Told:
    """Who told which row. Most rows are told once: a list for each of them costs more than all
    the rest of their text."""

    def __init__(self, sightings: Iterable[Sighting]) -> None:
        self._first: dict[Identity, Sighting] = {}
        self._more: dict[Identity, list[Sighting]] = defaultdict(list)
        for seen in sightings:
            if self._first.setdefault(seen.identity, seen) is not seen:
                self._more[seen.identity].append(seen)

    def take(self, identity: Identity) -> Sequence[Sighting]:
        """Of a row that has not been asked for yet, in the order of telling."""
        first = self._first.pop(identity, None)
        return (first, *self._more.get(identity, ())) if first else ()

    def left(self) -> list[Identity]:
        return list(self._first)


class _Evidence:
    """Which kept answers, by their number, are about a transaction, and which gave a head."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        self.heads = [number for number, each in enumerate(kept) if each.why == HEAD]
        self._of: dict[str, list[int]] = defaultdict(list)
        for number, each in enumerate(kept):
            for tx in each.txs:
                self._of[tx].append(number)

    def of(self, tx: str) -> Sequence[int]:
        return self._of.get(tx, ())


@dataclass(slots=True)
class _Group:
    """What concerns the same cases. Answers are told once and then named by their number."""

    kept: set[int]
    new: list[tuple[Any, ...]] = field(default_factory=list)
    changed: list[list[object]] = field(default_factory=list)
    sighted: list[list[object]] = field(default_factory=list)
    answers: dict[tuple[str, str], int] = field(default_factory=dict)
    # One value for all rows that the same answers told.
    _same: dict[tuple[int, ...], tuple[int, ...]] = field(default_factory=dict)

    def add(
        self, identity: Identity, columns: Columns, block: str, told: Sequence[Sighting]
    ) -> None:
        """A new row."""
        numbers = tuple([self._answer(seen) for seen in told if seen.block == block])
        self.new.append((*columns, self._same.setdefault(numbers, numbers)))
        if len(numbers) != len(told):
            self.note(identity, [seen for seen in told if seen.block != block])

    def note(self, identity: Identity, told: Sequence[Sighting]) -> None:
        """Who told a row that is known, or a new one in another block."""
        self.sighted += [[*identity, seen.block, self._answer(seen)] for seen in told]

    def _answer(self, sighting: Sighting) -> int:
        return self.answers.setdefault((sighting.source, sighting.sha256), len(self.answers))

    def body(self, kept: Sequence[Kept]) -> dict[str, object]:
        columns = {"new": NEW, "changed": CHANGED, "sighted": SIGHTED, "answers": ANSWERS}
        mine = [(kept[number].sha256, kept[number].body_sha256) for number in sorted(self.kept)]
        evidence = {"kept": mine} if mine else {}
        return {
            "columns": columns | dict.fromkeys(evidence, KEPT),
            **evidence,
            "new": self.new,
            "changed": self.changed,
            "sighted": self.sighted,
            "answers": list(self.answers),
        }


class _Whose:
    """The cases that watch one of two parties: one value for all rows of the same parties."""

    def __init__(self, cases: Mapping[str, Cases]) -> None:
        self._cases = cases
        self._known: dict[tuple[str | None, str | None], Cases] = {}

    def __call__(self, sender: str | None, recipient: str | None) -> Cases:
        found = self._known.get((sender, recipient))
        if found is None:
            mine = [self._cases.get(party or "", NOBODY) for party in (sender, recipient)]
            found = self._known[sender, recipient] = mine[0] | mine[1]
        return found


def _block(transfer: Transfer) -> str:
    """The block of a new row, as far as its own columns name it."""
    return transfer.block_hash or str(transfer.block_height or "")


def _parties(conn: Connection, identity: Identity) -> tuple[str | None, str | None]:
    row = conn.execute(
        "SELECT sender, recipient FROM transfer WHERE chain = ? AND tx = ? AND leg = ?", identity
    ).fetchone()
    return (row["sender"], row["recipient"]) if row else (None, None)


def _changed(conn: Connection, change: Change) -> list[object]:
    was = conn.execute(
        f"SELECT {', '.join(CHANGED)} FROM transfer WHERE id = ?", (change.row_id,)
    ).fetchone()
    values = [getattr(change.transfer, name) for name in CHANGED[:-2]]
    now = [*values, change.status.value, json.dumps(change.absences)]
    return [*change.transfer.identity, [*was] if was is not None else None, now]
