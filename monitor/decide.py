"""Decide what one poll of one subject means. Pure: no clock, network, database, randomness.

Rows first (`_Rows`): what is new, what changed, what is gone. Then alerts (news.py), which
depend on the rows as they stand afterwards and not on which poll brought them.
Reorganisations live here: a row that was told and is gone is `missing`; it becomes
`orphaned` only when the source that told it leaves it out in two complete reads with
different heads, or when a look-up by hash says so. Another source's silence changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from monitor import coverage, news
from monitor.lanes import touches
from monitor.model import (
    STREAM_OF,
    Baseline,
    Batch,
    Interval,
    Kind,
    Row,
    Status,
    Transfer,
    TxWord,
)
from monitor.plan import (
    Change,
    Context,
    Covered,
    Identity,
    NewRow,
    OpenGap,
    Plan,
    Question,
    Sighting,
    Signal,
)

# Two different heads of the same source must leave a row out before it counts as gone.
ABSENT_READS = 2
# Seconds for which an unconfirmed transaction may be unknown to a node that never told it:
# it may still be on its way there, or pay too little for that node.
PENDING_SILENCE = 86_400

_ATTRIBUTES = (
    "block_height",
    "block_hash",
    "time",
    "tx_index",
    "log_index",
    "trace_path",
    "spends",
)


def decide(
    context: Context,
    batches: Sequence[Batch],
    words: Mapping[str, Sequence[TxWord]] | None = None,
    hashes: Mapping[tuple[str, int], str | None] | None = None,
) -> Plan:
    """One plan from what a poll read.

    `words` are answers to the questions of an earlier plan on the same batches, by
    transaction; `hashes` the block hashes that came with them, by (source, height).
    """
    rows = _Rows(context, words or {}, hashes or {})
    for batch in batches:
        rows.tell(batch)
    rows.settle(batches)
    baselines = _baselines(context, batches)
    alerts, wants_second = news.alerts(
        context, rows.standing(), baselines, _heads(batches), _signatures(context, batches)
    )
    return Plan(
        subject=context.subject,
        now=context.now,
        new=tuple(rows.new.values()),
        changes=tuple(rows.changes.values()),
        sightings=tuple(rows.sightings),
        covered=_covered(context, batches),
        gaps=_gaps(batches),
        tokens=tuple({t.contract: t for b in batches for t in b.tokens}.values()),
        baselines=tuple(baselines.items()),
        alerts=alerts,
        signals=tuple(rows.signals),
        questions=(*rows.questions, *rows.elsewhere(wants_second)),
    )


def _covered(context: Context, batches: Sequence[Batch]) -> tuple[Covered, ...]:
    return tuple(
        Covered(stream, b.source, b.axis, span)
        for b in batches
        for span in coverage.proven(b, context.chain, context.lags.get(b.source, 0))
        for stream in sorted(b.streams)
    )


def _gaps(batches: Sequence[Batch]) -> tuple[OpenGap, ...]:
    """What no source of this poll could read."""
    return tuple(
        OpenGap(stream, b.source, b.axis, gap)
        for b in batches
        for gap in b.gaps
        for stream in sorted(b.streams)
        if not any(_sound(other, stream, b.axis, gap.at) for other in batches)
    )


def _sound(batch: Batch, stream: str, axis: str, span: Interval) -> bool:
    if stream not in batch.streams or axis != batch.axis or batch.read is None:
        return False
    return not coverage.subtract(span, [batch.read]) and not any(
        coverage.intersect(span, gap.at) for gap in batch.gaps
    )


def _signatures(context: Context, batches: Sequence[Batch]) -> tuple[Interval, ...]:
    """Where the list of transactions that the subject signed has been read.

    Only EVM chains charge every signer a fee that the record then holds.
    """
    if context.chain.family != "evm":
        return ()
    now = [b.read for b in batches if "native" in b.streams and b.read and not b.doubt]
    return coverage.union([*context.covered.get("native", ()), *now])


def _heads(batches: Sequence[Batch]) -> int:
    """The newest block that is believed, or the highest that holds a row."""
    heights = [b.head.height for b in batches if not b.doubt]
    return max(heights or [t.block_height or 0 for b in batches for t in b.transfers], default=0)


def _baselines(context: Context, batches: Sequence[Batch]) -> dict[str, Baseline]:
    """First contact fixes the line between history and news, by the lowest believed head.

    An entry's time of adding is moved by how far the chain's clock runs ahead of ours, so
    that a chain with future-dated blocks does not turn its whole history into news.
    """
    lowest = min(
        (b.head for b in batches if not b.doubt), key=lambda head: head.height, default=None
    )
    if lowest is None:
        return {}
    ahead = max(0, lowest.time - context.now)
    return {
        w.entry.id: Baseline(lowest.height, w.added + ahead, lowest.time)
        for w in context.watched.get(context.subject.address, ())
        if w.baseline is None and w.active
    }


@dataclass
class _Rows:
    """The rows of one decision: as known, and what the batches make of them."""

    context: Context
    words: Mapping[str, Sequence[TxWord]]
    hashes: Mapping[tuple[str, int], str | None]
    known: dict[Identity, Row] = field(init=False)
    touching: set[str] = field(init=False)  # known transactions with a row of the subject
    new: dict[Identity, NewRow] = field(default_factory=dict)
    changes: dict[int, Change] = field(default_factory=dict)
    sightings: list[Sighting] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    questions: dict[Question, None] = field(default_factory=dict)  # a set that keeps order
    told: dict[Identity, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {row.transfer.identity: row for row in self.context.known}
        address = self.context.subject.address
        self.touching = {
            row.transfer.tx for row in self.context.known if touches(row.transfer, address)
        }

    # -- what was told ---------------------------------------------------------------

    def tell(self, batch: Batch) -> None:
        """Take in every transfer of one batch; confirmed twins win over pending ones."""
        for transfer in sorted(batch.transfers, key=lambda t: t.pending, reverse=True):
            if transfer.kind is Kind.FEE and not self._watched(transfer.sender):
                continue
            row = self.known.get(transfer.identity)
            if row is not None and not self._believable(row, transfer, batch):
                continue
            self.told.setdefault(transfer.identity, set()).add(batch.source)
            if row is None:
                self._insert(transfer, batch)
            else:
                self._update(row, transfer, batch)

    def _watched(self, address: str | None) -> bool:
        return address is not None and address in self.context.watched

    def _believable(self, row: Row, transfer: Transfer, batch: Batch) -> bool:
        """A source that has not reached a row's block yet may still call it unconfirmed.

        Only a teller of the row, with a head at or past its block, can take it back into
        the mempool.
        """
        height = row.transfer.block_height
        if not transfer.pending or height is None or row.status is Status.ORPHANED:
            return True
        reached = batch.head.height >= height and not batch.doubt
        return batch.source in row.tellers and reached

    def _status(self, transfer: Transfer, batch: Batch) -> Status:
        if transfer.pending:
            return Status.PENDING
        if batch.doubt:
            return Status.PROVISIONAL
        line = coverage.final_line(batch.head, batch.axis, self.context.chain)
        place = _place(transfer, batch.axis)
        return Status.FINAL if place is not None and place <= line else Status.PROVISIONAL

    def _insert(self, transfer: Transfer, batch: Batch) -> None:
        earlier = self.new.get(transfer.identity)
        if earlier is None or earlier.transfer.pending:
            self.new[transfer.identity] = NewRow(
                transfer, self._status(transfer, batch), self._late(transfer, batch)
            )
        self._sight(transfer, batch)

    def _late(self, transfer: Transfer, batch: Batch) -> bool:
        place = _place(transfer, batch.axis)
        covered = self.context.covered.get(STREAM_OF[transfer.kind], ())
        touched = touches(transfer, self.context.subject.address)
        return place is not None and touched and coverage.holds(covered, place)

    def _update(self, row: Row, transfer: Transfer, batch: Batch) -> None:
        if row.status in (Status.FINAL, Status.SUPERSEDED):
            self._final_again(row, transfer, batch)
            return
        status = self._status(transfer, batch)
        merged = _merge(row.transfer, transfer)
        if (merged, status) != (row.transfer, row.status) or row.absences:
            self._change(row, merged, status, ())
        if batch.source not in row.tellers or merged.block_key != row.transfer.block_key:
            self._sight(merged, batch)

    def _final_again(self, row: Row, transfer: Transfer, batch: Batch) -> None:
        """A final row is never edited. Another block hash for it is a loud incident."""
        was, now = row.transfer.block_hash, transfer.block_hash
        if transfer.pending or (was and now and was != now):
            self.signals.append(
                _integrity(
                    self.context,
                    row,
                    f"{batch.source} now shows a final movement in another block: "
                    f"block {was} then, {now or 'unconfirmed'} now.",
                )
            )
        elif batch.source not in row.tellers:
            self._sight(_merge(row.transfer, transfer), batch)

    def _sight(self, transfer: Transfer, batch: Batch) -> None:
        self.sightings.append(
            Sighting(transfer.identity, batch.source, transfer.block_key, batch.sha256)
        )

    def _change(
        self,
        row: Row,
        transfer: Transfer,
        status: Status,
        absences: tuple[tuple[str, int], ...],
    ) -> None:
        self.changes[row.id] = Change(row.id, row.version, transfer, status, absences)

    # -- what was not told -----------------------------------------------------------

    def settle(self, batches: Sequence[Batch]) -> None:
        """Look at every known row of the subject that no batch told."""
        for row in self.known.values():
            if row.transfer.identity in self.told or not self._ours(row):
                continue
            if row.status is Status.FINAL:
                self._final_absent(row, batches)
            elif row.status in (Status.PENDING, Status.PROVISIONAL, Status.MISSING):
                self._open_absent(row, batches)

    def _ours(self, row: Row) -> bool:
        """Whether the subject's lists should show this row, or it shares its transaction's
        fate: on UTXO chains all legs of a transaction come and go together."""
        if row.transfer.kind in (Kind.UTXO_IN, Kind.UTXO_OUT, Kind.COINBASE):
            return row.transfer.tx in self.touching
        return touches(row.transfer, self.context.subject.address)

    def _missing_from(self, row: Row, batch: Batch) -> bool:
        """Whether this batch is a complete read, by a teller of the row, of its place."""
        if batch.doubt:
            return False
        if STREAM_OF[row.transfer.kind] not in batch.streams or batch.source not in row.tellers:
            return False
        place = _place(row.transfer, batch.axis)
        if row.status is Status.PENDING or place is None:
            return batch.mempool_read and _reaches_head(batch)
        if batch.read is None or place not in batch.read or _in_gap(batch, place):
            return False
        lag = self.context.lags.get(batch.source, 0)
        return place <= coverage.top(batch.head, batch.axis) - _lag_on(
            batch.axis, lag, self.context
        )

    def _open_absent(self, row: Row, batches: Sequence[Batch]) -> None:
        absences = row.absences
        for batch in batches:
            mark = (batch.source, batch.head.height)
            if self._missing_from(row, batch) and mark not in absences:
                absences = (*absences, mark)
        verdict = self._word_on(row)
        if verdict is not None:
            status, transfer = verdict
            if (status, transfer) != (row.status, row.transfer) or row.absences:
                self._change(row, transfer, status, absences if status is Status.MISSING else ())
        elif _twice_absent(absences):
            self._change(row, row.transfer, Status.ORPHANED, absences)
        elif absences != row.absences:
            self._change(row, row.transfer, Status.MISSING, absences)
            self._ask(row, "missing")
        elif self._unsettled(row, batches):
            self._ask(row, "unsettled")

    def _unsettled(self, row: Row, batches: Sequence[Batch]) -> bool:
        """Old enough to be settled, but the source asked now is not one that told it."""
        return any(
            self._passed_over(row, batch)
            for batch in batches
            if STREAM_OF[row.transfer.kind] in batch.streams and batch.source not in row.tellers
        )

    def _passed_over(self, row: Row, batch: Batch) -> bool:
        if batch.doubt:
            return False
        place = _place(row.transfer, batch.axis)
        if place is None:
            return _reaches_head(batch) and self._long_silent(row)
        line = coverage.final_line(batch.head, batch.axis, self.context.chain)
        return batch.read is not None and place in batch.read and place <= line

    def _long_silent(self, row: Row) -> bool:
        return self.context.now - row.first_seen >= PENDING_SILENCE

    def _ask(self, row: Row, why: str) -> None:
        question = Question(row.transfer.tx, row.tellers, row.transfer.block_height, why)
        if row.transfer.tx not in self.words:
            self.questions[question] = None

    def _word_on(self, row: Row) -> tuple[Status, Transfer] | None:
        """What a look-up by hash says of a row that its source no longer shows."""
        for word in self.words.get(row.transfer.tx, ()):
            verdict = self._judge(row, word)
            if verdict is not None:
                return verdict
        return None

    def _judge(self, row: Row, word: TxWord) -> tuple[Status, Transfer] | None:
        if word.found and word.height is None:
            if row.transfer.pending:
                return Status.PENDING, row.transfer
            left = self._left_block(row, word)
            return (Status.PENDING, _unplaced(row.transfer)) if left else None
        if word.found and not word.failed:
            if not _same_block(row.transfer, word) or word.head is None:
                return None  # included elsewhere: the lists will tell it in its new block
            line = coverage.final_line(word.head, "height", self.context.chain)
            settled = word.height is not None and word.height <= line
            status = Status.FINAL if settled else Status.PROVISIONAL
            return status, replace(row.transfer, block_height=word.height)
        if word.found:
            return Status.ORPHANED, row.transfer  # in the chain, but it failed: nothing moved
        return (Status.ORPHANED, row.transfer) if self._truly_gone(row, word) else None

    def _truly_gone(self, row: Row, word: TxWord) -> bool:
        """A node that does not know an unconfirmed transaction proves little while the
        transaction may be on its way there."""
        if row.transfer.block_height is None:
            return word.source in row.tellers or self._long_silent(row)
        return self._left_block(row, word)

    def _left_block(self, row: Row, word: TxWord) -> bool:
        """Whether a node that does not have a transaction in a block can be believed: its
        head must be past the row's block, and that block must have been replaced. Where
        the block's hash was never told, the block must be final for that node."""
        height = row.transfer.block_height
        if height is None or word.head is None or word.head.height < height:
            return False
        if row.transfer.block_hash is None:
            return height <= coverage.final_line(word.head, "height", self.context.chain)
        now = self.hashes.get((word.source, height))
        return now is not None and now != row.transfer.block_hash

    def _final_absent(self, row: Row, batches: Sequence[Batch]) -> None:
        """A list that leaves a final row out is an alarm, unless a look-up by hash still
        finds the transaction: then the list is at fault, not the chain."""
        words = self.words.get(row.transfer.tx, ())
        if any(word.found and not word.failed for word in words):
            return
        for batch in batches:
            if self._missing_from(row, batch):
                self._ask(row, "missing")
                text = f"{batch.source} no longer shows a final movement in a complete list."
                self.signals.append(_integrity(self.context, row, text))
                return

    # -- the result ------------------------------------------------------------------

    def elsewhere(self, questions: Sequence[Question]) -> list[Question]:
        """The same questions, to be put to a source that has not told the transaction."""
        tellers: dict[str, set[str]] = {}
        for identity, told in self.told.items():
            tellers.setdefault(identity[1], set()).update(told)
        return [replace(q, not_from=frozenset(tellers.get(q.tx, ()))) for q in questions]

    def standing(self) -> dict[Identity, news.Standing]:
        """Every row of the transactions concerned as it will stand after this plan."""
        result: dict[Identity, news.Standing] = {}
        for identity, row in self.known.items():
            change = self.changes.get(row.id)
            transfer, status = (
                (change.transfer, change.status) if change else (row.transfer, row.status)
            )
            in_block = not row.transfer.pending
            result[identity] = news.Standing(transfer, status, row.late, in_block)
        for identity, new in self.new.items():
            result[identity] = news.Standing(new.transfer, new.status, new.late)
        return result


def _merge(known: Transfer, told: Transfer) -> Transfer:
    """The told transfer, keeping attributes that only an earlier teller knew.

    Attributes of a block are kept only while it is the same block.
    """
    if told.pending:
        return told
    moved = known.block_hash and told.block_hash and known.block_hash != told.block_hash
    if moved or known.pending or (told.block_height or 0) != (known.block_height or 0):
        if told.block_height is None and not moved and not known.pending:
            return _fill(known, told)
        return replace(told, spends=told.spends or known.spends)
    return _fill(known, told)


def _fill(known: Transfer, told: Transfer) -> Transfer:
    pick: Callable[[str], object] = lambda name: (  # noqa: E731 - one expression, used once
        getattr(told, name) if getattr(told, name) is not None else getattr(known, name)
    )
    return replace(told, **{name: pick(name) for name in _ATTRIBUTES})  # type: ignore[arg-type]


def _same_block(transfer: Transfer, word: TxWord) -> bool:
    """By hash where both name one, else by height, which some lists do not tell either."""
    if transfer.block_hash and word.block_hash:
        return transfer.block_hash == word.block_hash
    return not transfer.pending and transfer.block_height in (None, word.height)


def _unplaced(transfer: Transfer) -> Transfer:
    """The transfer without its block, waiting to be included again."""
    nothing: dict[str, Any] = {n: None for n in _ATTRIBUTES if n != "spends"}
    return replace(transfer, **nothing, pending=True)


def _place(transfer: Transfer, axis: str) -> int | None:
    """Where a transfer lies on an axis; None while unconfirmed or untold."""
    if axis == "height":
        return transfer.block_height
    return None if transfer.time is None else transfer.time * 1000


def _lag_on(axis: str, lag: int, context: Context) -> int:
    return lag if axis == "height" else int(lag * context.chain.block_time * 1000)


def _in_gap(batch: Batch, place: int) -> bool:
    return any(place in gap.at for gap in batch.gaps)


def _reaches_head(batch: Batch) -> bool:
    return batch.read is not None and batch.read.hi >= coverage.top(batch.head, batch.axis)


def _twice_absent(absences: Sequence[tuple[str, int]]) -> bool:
    heads: dict[str, set[int]] = {}
    for source, head in absences:
        heads.setdefault(source, set()).add(head)
    return any(len(seen) >= ABSENT_READS for seen in heads.values())


def _integrity(context: Context, row: Row, what: str) -> Signal:
    transfer = row.transfer
    return Signal(
        key=f"integrity:{context.chain.key}/{transfer.tx}",
        bad=True,
        audience="desk",
        severity="severe",
        what=f"{what} Transaction {transfer.tx}. The record keeps the movement as it was told.",
        cure="Compare the transaction on another explorer before you rely on it.",
        chain=context.chain.key,
        once=True,
    )


def cut(batches: Sequence[Batch]) -> tuple[Batch, ...]:
    """Cut the batches of one round at the lowest place that all of them have read.

    When one list came only in part, rows of the others above that place wait for the next
    round, so that a transaction told by several lists is decided on once. Only for batches
    that read upward; one that starts above that place is left whole.
    """
    ends = [b.read.hi for b in batches if b.read is not None and b.rest is not None]
    upward = all(b.rest is None or (b.read and b.rest.lo > b.read.hi) for b in batches)
    if not ends or not upward or len({b.axis for b in batches}) != 1:
        return tuple(batches)
    return tuple(_cut_one(b, min(ends)) for b in batches)


def _cut_one(batch: Batch, end: int) -> Batch:
    if batch.read is None or batch.read.hi <= end or batch.read.lo > end:
        return batch
    kept = tuple(
        t for t in batch.transfers if (place := _place(t, batch.axis)) is None or place <= end
    )
    hi = batch.rest.hi if batch.rest is not None else batch.read.hi
    return replace(
        batch,
        transfers=kept,
        read=Interval(batch.read.lo, end),
        rest=Interval(end + 1, hi),
        gaps=tuple(g for g in batch.gaps if g.at.hi <= end),
        cursor=None,
    )
