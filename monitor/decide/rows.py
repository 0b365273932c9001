"""The rows of one decision: as they were known, and what a poll makes of them. Pure.

What was reported is taken in first; then every known row that no list reported is judged (see
absence.py). What nobody could prove yet is noted as a doubt (see doubts.py, proof.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from monitor.decide import absence, proof, rivals
from monitor.decide.absence import Fate, Verdict
from monitor.decide.doubts import Doubts
from monitor.decide.merge import merged
from monitor.decide.standing import Standing
from monitor.model import (
    OPEN_STATUSES,
    Alert,
    Batch,
    Row,
    Status,
    Transfer,
    intervals,
)
from monitor.model.plan import Answers, Change, Context, Identity, NewRow, Question, Sighting

ASK_ANEW = 5  # transactions in lasting doubt that one plan asks about once more
_DOWN = (Status.ORPHANED, Status.PENDING)  # on account chains: taken out of its block


@dataclass
class Rows:
    """The rows of one decision: as known, and what the batches make of them."""

    context: Context
    answers: Answers
    known: dict[Identity, Row] = field(init=False)
    touching: set[str] = field(init=False)  # known transactions with a row of the scope
    new: dict[Identity, NewRow] = field(default_factory=dict)
    changes: dict[int, Change] = field(default_factory=dict)
    sightings: list[Sighting] = field(default_factory=list)
    doubts: Doubts = field(init=False)
    held: frozenset[str] = field(init=False)  # transactions that wait for a receipt
    rivals: dict[str, str] = field(default_factory=dict)  # by unconfirmed transaction
    shown: frozenset[str] = frozenset()  # transactions that were read with their whole block
    outermost: set[tuple[object, ...]] = field(init=False)
    revived: dict[str, Transfer] = field(default_factory=dict)  # by transaction: reported again
    questions: dict[Question, None] = field(default_factory=dict)  # a set that keeps order
    reported: dict[Identity, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {row.transfer.identity: row for row in self.context.known}
        self.doubts = Doubts(self.context)
        self.outermost = {
            _whole(row.transfer) for row in self.context.known if row.transfer.kind.outermost
        }
        self.held = proof.held(self.context, self.answers)
        self.touching = {
            row.transfer.tx for row in self.context.known if self.context.holds(row.transfer)
        }

    # -- what was reported ---------------------------------------------------------------

    def meet(self, batches: Sequence[Batch]) -> None:
        """Take in what a poll read: what was reported, then what was not.

        Some explorers list the outermost call of a transaction among its inner ones too
        (ledger-live#16315): that is the transaction's own movement reported twice.
        """
        whole = (b for b in batches if b.members is not None)
        self.shown = frozenset(t.tx for b in whole for t in b.transfers)
        own = (t for b in batches for t in b.transfers if t.kind.outermost)
        self.outermost |= {_whole(transfer) for transfer in own}
        for batch in batches:
            self.report(batch)
        self.settle(batches)

    def report(self, batch: Batch) -> None:
        """Take in every transfer of one batch; confirmed twins win over pending ones."""
        for transfer in sorted(batch.transfers, key=lambda t: t.pending, reverse=True):
            if transfer.kind.fee and not self._fee_wanted(transfer.sender):
                continue
            if transfer.kind.inner and _whole(transfer) in self.outermost:
                continue
            row = self.known.get(transfer.identity)
            if row is not None and not self._believable(row, transfer, batch):
                continue
            self.reported.setdefault(transfer.identity, set()).add(batch.source)
            placed = absence.with_block(transfer, self.answers.lookups.get(transfer.tx, ()))
            if row is None:
                self._insert(placed, batch)
            else:
                self._update(row, placed, batch)

    def _fee_wanted(self, payer: str | None) -> bool:
        """Fees of others are nobody's; without its own an address's sums are wrong."""
        return payer in self.context.watched or payer in self.context.followed

    def _believable(self, row: Row, transfer: Transfer, batch: Batch) -> bool:
        """A source that has not reached a row's block yet may still call it unconfirmed.

        Only a reporter of the row, with a head at or past its block, can take it back into
        the mempool.
        """
        height = row.transfer.block_height
        if not transfer.pending or height is None or row.status is Status.ORPHANED:
            return True
        reached = batch.head.height >= height and not batch.doubt
        return batch.source in row.reporters and reached

    def _status(self, transfer: Transfer, batch: Batch) -> Status:
        if transfer.pending:
            return Status.PENDING
        if self._undone(transfer):
            return Status.ORPHANED
        if batch.doubt:
            return Status.PROVISIONAL
        line = batch.axis.final_line(batch.head, self.context.chain)
        at = batch.axis.place(transfer)
        settled = at is not None and at <= line and transfer.tx not in self.held
        return Status.FINAL if settled else Status.PROVISIONAL

    def _undone(self, transfer: Transfer) -> bool:
        """Whether its receipt says that the transaction failed, so that nothing moved but the
        fee; or that the list reported one movement twice."""
        lookups = self.answers.lookups.get(transfer.tx, ())
        if absence.a_copy(transfer, lookups):
            return True
        return not transfer.kind.fee and absence.succeeded(transfer, lookups) is False

    def _insert(self, transfer: Transfer, batch: Batch) -> None:
        earlier = self.new.get(transfer.identity)
        if earlier is None or earlier.transfer.pending:
            self.new[transfer.identity] = NewRow(
                transfer, self._status(transfer, batch), self._late(transfer, batch)
            )
        self._sight(transfer, batch)

    def _late(self, transfer: Transfer, batch: Batch) -> bool:
        """Whether it lies where the list of an address that it touches was read before."""
        at = batch.axis.place(transfer)
        lists = [self.context.covered.get(party, {}) for party in transfer.parties()]
        parts = (covered.get(transfer.kind.stream, ()) for covered in lists)
        return at is not None and any(intervals.holds(covered, at) for covered in parts)

    def _update(self, row: Row, transfer: Transfer, batch: Batch) -> None:
        if row.status in (Status.FINAL, Status.SUPERSEDED):
            self._final_again(row, transfer, batch)
            return
        both = merged(row.transfer, transfer)
        if row.status is Status.ORPHANED and not self._happened_after_all(row, both):
            return
        status = self._status(transfer, batch)
        if row.status in _DOWN and not both.pending and not row.transfer.kind.utxo:
            self.revived[both.tx] = both
        if (both, status) != (row.transfer, row.status) or row.absences:
            self._change(row, both, status, ())
        if batch.source not in row.reporters or both.block_key != row.transfer.block_key:
            self._sight(both, batch)

    def _happened_after_all(self, row: Row, reported: Transfer) -> bool:
        """Whether a row that did not happen is believed when it is reported again. In another
        block: yes. In the same one only on a receipt: the list may be behind, or report what
        a failed transaction undid."""
        if reported.pending or reported.block_key != row.transfer.block_key or self.answers.mute:
            return True
        lookups = self.answers.lookups.get(reported.tx, ())
        if absence.succeeded(reported, lookups) and not self._undone(reported):
            self.doubts.settle(reported.tx, "again")
            return True
        if lookups:
            self.doubts.settle(reported.tx, "again")
        else:
            self.doubts.open(reported.tx, "again")
            self._ask(row, "again")
        return False

    def _final_again(self, row: Row, transfer: Transfer, batch: Batch) -> None:
        """A final row is never edited. Another block hash for it is a loud incident."""
        was, now = row.transfer.block_hash, transfer.block_hash
        if transfer.pending or (was and now and was != now):
            self.doubts.open(transfer.tx, "final", batch.source, "lost")
            return
        self.doubts.settle(transfer.tx, "final")
        if batch.source not in row.reporters:
            self._sight(merged(row.transfer, transfer), batch)

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

    # -- what was not reported -----------------------------------------------------------

    def settle(self, batches: Sequence[Batch]) -> None:
        """Look at every known row of the scope that no batch reported."""
        known = self.known.values()
        absent = (row for row in known if row.transfer.identity not in self.reported)
        self.rivals = rivals.found(known, absent, batches, self.answers, self.context)
        fates: dict[str, Verdict] = {}
        for row in self.known.values():
            if row.transfer.identity in self.reported or not self._ours(row):
                continue
            if row.status is Status.FINAL:
                self._final_absent(row, batches)
            elif row.status in OPEN_STATUSES:
                verdict = self._open_absent(row, batches)
                if verdict is not None:
                    fates[row.transfer.tx] = verdict
            elif row.status is Status.ORPHANED:
                self._orphan_asked(row)
        for row in self.known.values():
            if row.transfer.identity not in self.reported and row.id not in self.changes:
                self._share(row, fates.get(row.transfer.tx))
        self._end_doubts()

    def _ours(self, row: Row) -> bool:
        """Whether the scope's lists should show this row, or it shares its transaction's
        fate: on UTXO chains all legs of a transaction come and go together."""
        if row.transfer.kind.utxo:
            return row.transfer.tx in self.touching
        return self.context.holds(row.transfer)

    def _open_absent(self, row: Row, batches: Sequence[Batch]) -> Verdict | None:
        if (stands := absence.linked(row, batches, self.context.chain)) is not None:
            self._give(row, stands, row.absences)
            return stands
        absences = absence.marks(row, batches, self.answers, self.context)
        verdict = absence.judge(row, absences, self.answers, self.context)
        if row.transfer.tx in self.rivals:
            verdict = Verdict(Fate.GONE, Status.ORPHANED, row.transfer)
        if verdict is not None:
            self._give(row, verdict, absences)
        elif absences != row.absences or row.status is Status.MISSING:
            if (Status.MISSING, absences) != (row.status, row.absences):
                self._change(row, row.transfer, Status.MISSING, absences)
            if (doubt := self.doubts.about(row.transfer.tx, "missing")) is not None:
                self.doubts.open(doubt.tx, "missing", doubt.source, doubt.state)
            self._ask(row, "missing")
        elif absence.unsettled(row, batches, self.context):
            self._ask(row, "unsettled")
        return verdict

    def _give(self, row: Row, verdict: Verdict, absences: absence.Marks) -> None:
        kept = absences if verdict.status in (Status.MISSING, Status.ORPHANED) else ()
        if verdict.fate is Fate.KEPT:
            source = min(row.reporters, default="")
            self.doubts.open(row.transfer.tx, "missing", source, "kept")
            self._ask(row, "missing")
        before = (row.status, row.transfer, row.absences)
        if (verdict.status, verdict.transfer, kept) != before:
            self._change(row, verdict.transfer, verdict.status, kept)

    def _share(self, row: Row, verdict: Verdict | None) -> None:
        """What is said of a transaction holds for its rows at other addresses too, or people
        would hear of one event once for each address that is polled."""
        back = self.revived.get(row.transfer.tx)
        if back is not None and row.status in _DOWN:
            self._come_back(row, back)
        elif verdict is None or row.status not in OPEN_STATUSES:
            return
        elif verdict.fate in (Fate.GONE, Fate.FAILED):
            if verdict.fate is Fate.GONE or not row.transfer.kind.fee:
                self._change(row, row.transfer, Status.ORPHANED, row.absences)
        elif verdict.fate is Fate.WAITS:
            self._change(row, absence.unplaced(row.transfer), Status.PENDING, ())

    def _come_back(self, row: Row, back: Transfer) -> None:
        """Its transaction is in the chain again. The fee was paid there too; anything else
        is reported by the lists of its own address."""
        if not row.transfer.kind.fee:
            self._change(row, row.transfer, Status.MISSING, ())
            return
        there = {name: getattr(back, name) for name in ("block_height", "block_hash", "time")}
        placed = replace(row.transfer, **there, tx_index=back.tx_index, pending=False)
        self._change(row, placed, Status.PROVISIONAL, ())

    def _orphan_asked(self, row: Row) -> None:
        """Shown once more by a list that has gone on since, and still not answered."""
        tx = row.transfer.tx
        if self.doubts.about(tx, "again") is None:
            return
        lookups = self.answers.lookups.get(tx, ())
        if not lookups:
            self.doubts.open(tx, "again")
            self._ask(row, "again")
            return
        self.doubts.settle(tx, "again")
        if absence.succeeded(row.transfer, lookups) and not self._undone(row.transfer):
            self._change(row, row.transfer, Status.PROVISIONAL, ())

    def _ask(self, row: Row, why: str) -> None:
        question = Question(row.transfer.tx, row.reporters, row.transfer.block_height, why)
        if row.transfer.tx not in self.answers.lookups:
            self.questions[question] = None

    def _final_absent(self, row: Row, batches: Sequence[Batch]) -> None:
        """A list that leaves a final row out raises a question; what look-ups by hash say of
        it is reported, and the record stays as it is."""
        tx = row.transfer.tx
        doubt = self.doubts.about(tx, "final")
        lists = (b.source for b in batches if absence.missing_from(row, b, self.context))
        source = next(lists, doubt.source if doubt else None)
        if source is None:
            return
        state = absence.final_state(row, self.answers, self.context)
        if state == "stands":
            self.doubts.settle(tx, "final")
            return
        if state == "silent" and doubt and doubt.state and doubt.since < self.context.now:
            state = "lost"
        self.doubts.open(tx, "final", source, state or (doubt.state if doubt else ""))
        self._ask(row, "final")

    def _end_doubts(self) -> None:
        """A list gap is over once the row is shown, or judged otherwise."""
        reported = {identity[1] for identity in self.reported}
        for doubt in self.doubts.known.values():
            mine = doubt.scope == self.context.scope.key
            if doubt.why == "missing" and (mine or doubt.tx in reported):
                self.doubts.settle(doubt.tx, "missing")

    # -- success ---------------------------------------------------------------------

    def hold(self, txs: Collection[str]) -> bool:
        """Rows of these transactions are not final before a receipt says so. Returns whether
        any would have been."""
        held = False
        for identity, new in self.new.items():
            if new.transfer.tx in txs and new.status is Status.FINAL:
                self.new[identity] = replace(new, status=Status.PROVISIONAL)
                held = True
        for number, change in self.changes.items():
            if change.transfer.tx in txs and change.status is Status.FINAL:
                self.changes[number] = replace(change, status=Status.PROVISIONAL)
                held = True
        return held

    def want_receipts(self, txs: Sequence[str]) -> None:
        """Ask for those that are new, and for those that an earlier plan left in doubt."""
        heights = {i[1]: new.transfer.block_height for i, new in self.new.items()}
        heights |= {i[1]: row.transfer.block_height for i, row in self.known.items()}
        mine = self.context.scope.key
        late = [d.tx for d in proof.waiting(self.context) if d.scope == mine]
        asked = [
            Question(tx, height=heights.get(tx), why="success")
            for tx in dict.fromkeys((*late, *txs))
            if tx not in self.answers.lookups
        ]
        self.questions |= dict.fromkeys(self.elsewhere(asked))

    def doubt_success(self, alerts: Sequence[Alert]) -> None:
        """Note which alerts go out without a receipt, and which doubts a receipt has ended."""
        rest = (self.standing(), self.answers, self.shown)
        for tx in proof.unproven(self.context, alerts, *rest):
            self.doubts.open(tx, "success")
        for row in self.known.values():
            tx = row.transfer.tx
            if self.doubts.about(tx, "success") is None:
                continue
            said = absence.succeeded(row.transfer, self.answers.lookups.get(tx, ()))
            if said is not None:
                self.doubts.settle(tx, "success")
            if said is False and row.status is Status.FINAL and not row.transfer.kind.fee:
                self.doubts.open(tx, "final", min(row.reporters, default=""), "lost")

    # -- the result ------------------------------------------------------------------

    def asked(self) -> list[Question]:
        """What to ask, with what nobody has answered yet first. Of what was answered and is in
        doubt for longer, only a few each time, in turn: that may last for days, and every
        look-up is a call less for the lists."""
        answered = {d.tx for d in self.context.doubts if d.state}
        fresh = [q for q in self.questions if q.tx not in answered]
        rest = [q for q in self.questions if q.tx in answered]
        start = self.context.now % len(rest) if rest else 0
        return [*fresh, *[*rest[start:], *rest[:start]][:ASK_ANEW]]

    def elsewhere(self, questions: Sequence[Question]) -> list[Question]:
        """The same questions, to be put to a source that has not reported the transaction."""
        reporters: dict[str, set[str]] = {}
        for identity, reported in self.reported.items():
            reporters.setdefault(identity[1], set()).update(reported)
        return [replace(q, not_from=frozenset(reporters.get(q.tx, ()))) for q in questions]

    def standing(self) -> dict[Identity, Standing]:
        """Every row of the transactions concerned as it will stand after this plan."""
        result: dict[Identity, Standing] = {}
        for identity, row in self.known.items():
            change = self.changes.get(row.id)
            transfer, status = (
                (change.transfer, change.status) if change else (row.transfer, row.status)
            )
            rival = self.rivals.get(transfer.tx, "") if transfer.pending else ""
            in_block = not row.transfer.pending
            result[identity] = Standing(transfer, status, row.late, in_block, rival)
        for identity, new in self.new.items():
            result[identity] = Standing(new.transfer, new.status, new.late)
        return result


def _whole(transfer: Transfer) -> tuple[object, ...]:
    return (transfer.tx, transfer.sender, transfer.recipient, transfer.amount)
