"""What one transaction calls for at one entry that it concerns. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.decide import held, loudness, ours, voices
from monitor.decide.standing import Standing, correction_state, whole
from monitor.model import (
    LIVE_STATUSES,
    Alert,
    AlertKind,
    Baseline,
    Entry,
    Interval,
    Lane,
    Severity,
    Status,
    Transfer,
    Watched,
    intervals,
)
from monitor.model.facts import (
    COUNTS,
    REPLACED,
    Correction,
    Facts,
    HeldFunds,
    InBlock,
    Movement,
    OnList,
    Touched,
    of_kind,
)
from monitor.model.ids import stable_id
from monitor.model.plan import Context, Identity

_THREAD_STARTS = frozenset({AlertKind.MOVEMENT, AlertKind.LATE, AlertKind.ACTIVITY})
_READY: Mapping[str, frozenset[Status]] = {
    "seen": LIVE_STATUSES,
    "confirmed": frozenset({Status.PROVISIONAL, Status.FINAL}),
    "final": frozenset({Status.FINAL}),
}


@dataclass(frozen=True, slots=True)
class _Thread:
    """What has been told of one transaction to one entry."""

    first: Alert | None
    root: Alert | None  # the first alert, or the start-up summary that listed the rows
    told: frozenset[Identity]
    elsewhere: frozenset[Identity]  # rows that others told in its stead
    corrected: Mapping[Identity, str]  # how the newest correction left a row
    corrections: int
    amendments: int
    loud: bool
    funds: HeldFunds | None = None  # what was said last of held funds that left with it


_NONE: frozenset[Identity] = frozenset()
_UNTOLD = _Thread(None, None, _NONE, _NONE, {}, 0, 0, False)


def is_new(transfer: Transfer, baseline: Baseline) -> bool:
    """Whether a row is news for an entry, or history from before its first contact."""
    if transfer.pending:
        return True
    if transfer.block_height is not None and transfer.block_height > baseline.height:
        return True
    latest = baseline.time
    if transfer.block_height is None:
        latest = min(latest, baseline.head_time)
    return transfer.time is not None and transfer.time > latest


@dataclass(frozen=True)
class Concern:
    """One transaction held against one entry."""

    context: Context
    watched: Watched
    rows: Sequence[Standing]  # those that touch the entry's address
    legs: Sequence[Transfer]  # all of the transaction that stand
    alerts: Sequence[Alert]  # of this entry about this transaction, oldest first
    baselines: Mapping[str, Baseline]
    head: int
    signatures: Sequence[Interval]
    voices: Sequence[Concern] = ()  # for whom it speaks, itself among them; none: it corrects only
    named: Sequence[Alert] = ()  # of others about this transaction, which told it for this entry
    left: Sequence[Alert] = ()  # of these, whose entries are not watched any more
    payments: Mapping[str, Sequence[held.Payment]] = field(default_factory=dict)  # by address

    @property
    def entry(self) -> Entry:
        return self.watched.entry

    @property
    def address(self) -> str:
        return self.entry.subject.address

    @property
    def baseline(self) -> Baseline | None:
        return self.watched.baseline or self.baselines.get(self.entry.id)

    @property
    def begun(self) -> bool:
        """Whether this entry has told of it as news, or goes on for one that did."""
        return self._thread().first is not None

    @property
    def spoke(self) -> bool:
        """Whether anything of it was told by this entry itself, as news."""
        return any(a.kind is not AlertKind.HISTORY for a in self.alerts)

    @property
    def has_news(self) -> bool:
        """Whether anything of it is news for this entry."""
        return any(map(self._is_new, self.rows))

    @property
    def tells(self) -> bool:
        """Whether all of it is news for this entry, which is about such movements."""
        if self.baseline is None or self.entry.canary:
            return False
        told = {i for a in self.alerts if a.kind is not AlertKind.HISTORY for i in a.rows}
        live = [s for s in self.rows if s.status in LIVE_STATUSES]
        if not all(s.transfer.identity in told or self._is_new(s) for s in live):
            return False
        return not live or self._verdict(self.entry, live).asked_for

    def _is_new(self, stood: Standing) -> bool:
        return self.baseline is not None and is_new(stood.transfer, self.baseline)

    def due(self) -> list[Alert]:
        if self.baseline is None:
            return []
        thread = self._thread()
        ready = [s for s in self.rows if self._ready(s, thread)]
        told = thread.told | thread.elsewhere
        fresh = [s for s in ready if s.transfer.identity not in told]
        found = self._corrections(self.rows, thread)
        if fresh and self.voices:
            found.append(self._alert(fresh, ready, thread))
        return found

    def _ready(self, stood: Standing, thread: _Thread) -> bool:
        if stood.transfer.identity in thread.told | thread.elsewhere:
            return stood.status in LIVE_STATUSES
        return any(
            (stood.status in _READY[each.entry.tell_when] or each._held_leave())
            and each._is_new(stood)
            for each in self.voices
            if stood.status in LIVE_STATUSES
        )

    def _held_leave(self) -> bool:
        """Whether the transaction takes held funds, as far as its rows say: of that people hear
        as early as anybody sees it, whatever else they asked for."""
        live = [s for s in self.rows if s.status in LIVE_STATUSES]
        return held.leaves(self.entry, [s.transfer for s in live])

    def _thread(self) -> _Thread:
        mine = self._mine()
        if not mine and not self.named:
            return _UNTOLD
        corrections = [a for a in mine if a.kind is AlertKind.CORRECTION]
        first = next((a for a in mine if a.kind in _THREAD_STARTS), None)
        return _Thread(
            first=first,
            root=first or next((a for a in mine if a.kind is AlertKind.HISTORY), None),
            told=frozenset(i for a in mine for i in a.rows),
            elsewhere=frozenset(i for a in self.named for i in a.rows),
            corrected={i: of_kind(a.facts, Correction).state for a in corrections for i in a.rows},
            corrections=len(corrections),
            amendments=sum(a.kind is AlertKind.AMENDMENT for a in mine),
            loud=any(a.lane is Lane.NEWS for a in mine),
            funds=next((a.facts.funds for a in reversed(mine) if a.facts.funds), None),
        )

    def _mine(self) -> Sequence[Alert]:
        """What this entry told; where it began nothing itself, what it takes over goes before."""
        if any(a.kind in _THREAD_STARTS for a in self.alerts):
            return self.alerts
        return (*self.left, *self.alerts)

    def _alert(
        self, fresh: Sequence[Standing], ready: Sequence[Standing], thread: _Thread
    ) -> Alert:
        """The first alert of this transaction, or an amendment with only the new rows."""
        voice, loud = self._loudest(ready)
        kind = self._kind(fresh, loud, thread)
        lane, reason = loud.lane, loud.reason
        touched = self._touched(ready)
        if touched:
            lane, reason = Lane.NEWS, ours.REASON
        funds = self._funds(voice, ready, loud)
        fee_only = all(s.transfer.kind.fee for s in fresh)
        if thread.first is not None and fee_only and (funds is None or thread.funds):
            lane, reason = Lane.QUIET, "Only the fee of a movement already told was added."
        place = min(s.transfer.block_height or self.head for s in fresh)
        return self._make(
            kind,
            fresh,
            lane,
            reason,
            loud,
            severity=self._severity(voice, fresh, funds),
            amends=thread.first.id if thread.first else None,
            number=thread.amendments,
            facts=Movement(
                read_at=self.context.now,
                finality=self.context.chain.finality,
                classes=loud.classes,
                confirmations=max(0, self.head - place + 1) if self._in_block(fresh) else 0,
                on_lists=self._on_lists() if self.entry.origin or self.tells else (),
                ours=touched,
                funds=funds,
            ),
        )

    def _funds(
        self, entry: Entry, rows: Sequence[Standing], loud: loudness.Loudness
    ) -> HeldFunds | None:
        """Of held funds that leave, or at which their issuer acts: what an alert says of them."""
        mine = [s.transfer for s in rows]
        forged = {leg for leg, name, _ in loud.classes if name == loudness.FORGED}
        if held.leaves(entry, mine, forged):
            context, tx = self.context, mine[0].tx
            told = context.told_as_planned.get(entry.id, ())
            paid = self._since(entry)
            known = held.Known(context.chain, context.assets, context.now, paid, told)
            return held.facts(entry, tx, known)
        acted = bool(entry.held) and any(row.kind.act for row in mine)
        return HeldFunds(entry.held, entry.holder, entry.expected) if acted else None

    def _since(self, entry: Entry) -> list[held.Payment]:
        """What the address has paid since this entry announced an outflow."""
        plan = entry.planned
        return [p for p in self.payments.get(self.address, ()) if plan and p.after(plan)]

    def _severity(
        self, voice: Entry, rows: Sequence[Standing], funds: HeldFunds | None
    ) -> Severity:
        """What an issuer did at held funds is as urgent as anywhere; where they left with the same
        transaction, no less than that."""
        moved = [s.transfer for s in rows]
        acted = any(row.kind.act for row in moved)
        if funds is None or (acted and not self._held_leave()):
            return voices.severity(voice, moved)
        left = held.severity(funds)
        return voices.louder(left, voices.severity(voice, moved)) if acted else left

    def _touched(self, rows: Sequence[Standing]) -> tuple[Touched, ...]:
        """Our own addresses, as far as this transaction touches them."""
        mine = [s.transfer for s in rows]
        return ours.kept(self._mine(), ours.touched(self.context, self.address, mine, self.legs))

    def _in_block(self, rows: Sequence[Standing]) -> bool:
        return any(not s.transfer.pending for s in rows)

    def _kind(
        self, fresh: Sequence[Standing], loud: loudness.Loudness, thread: _Thread
    ) -> AlertKind:
        if thread.first is not None:
            return AlertKind.AMENDMENT
        if not loud.moved:
            return AlertKind.ACTIVITY
        late = all(s.late for s in fresh if not s.transfer.kind.fee)
        return AlertKind.LATE if late else AlertKind.MOVEMENT

    def _on_lists(self, before: Sequence[OnList] = ()) -> tuple[OnList, ...]:
        """What lists say now, then what others said `before`: who was told because of them is
        told what becomes of it."""
        known = self.context.watched.get(self.address, ())
        now = voices.on_lists(self.entry, known, self.context.lists)
        return (*now, *(each for each in before if each.entry not in {n.entry for n in now}))

    def _loudest(self, ready: Sequence[Standing]) -> tuple[Entry, loudness.Loudness]:
        """Of those for whom it speaks the one that takes it most seriously: no list's rules
        make quiet what another list wants to be told."""
        heard = [each.entry for each in self.voices or (self,)]
        said = [(each, self._verdict(each, ready)) for each in heard]
        return min(said, key=lambda each: (each[1].lane is not Lane.NEWS, voices.weight(each[0])))

    def _verdict(self, entry: Entry, ready: Sequence[Standing]) -> loudness.Loudness:
        return loudness.loudness(
            entry,
            self.context.chain,
            [s.transfer for s in ready],
            self.legs,
            self.context.assets,
            signature_known=self._signature_known(ready),
            market=loudness.Market(self.context.prices, self.context.now),
        )

    def _signature_known(self, ready: Sequence[Standing]) -> bool:
        if self.address not in self.context.followed:
            return False
        heights = [s.transfer.block_height for s in ready]
        return all(h is not None and intervals.holds(self.signatures, h) for h in heights)

    def _corrections(self, mine: Sequence[Standing], thread: _Thread) -> list[Alert]:
        """What was told and no longer holds, or holds again."""
        if thread.root is None:
            return []
        told = [s for s in mine if s.transfer.identity in thread.told]
        states: dict[str, list[Standing]] = {}
        together = whole(told)
        for stood in told:
            state = correction_state(stood, thread.corrected.get(stood.transfer.identity))
            if state and (together or state not in COUNTS):
                states.setdefault(state, []).append(stood)
        return [
            self._correction(rows, state, thread, thread.corrections + number)
            for number, (state, rows) in enumerate(sorted(states.items()))
        ]

    def _correction(
        self, rows: Sequence[Standing], state: str, thread: _Thread, number: int
    ) -> Alert:
        first = thread.root
        assert first is not None
        voice, loud = self._loudest(rows)
        sample = rows[0].transfer
        lane = Lane.NEWS if thread.loud else Lane.QUIET
        block = InBlock(sample.block_height, sample.block_hash)
        return self._make(
            AlertKind.CORRECTION,
            rows,
            lane,
            "A correction follows whatever had been told.",
            replace(loud, direction=first.direction or loud.direction),
            severity=self._severity(voice, rows, thread.funds),
            amends=first.id,
            number=number,
            facts=Correction(
                read_at=self.context.now,
                finality=self.context.chain.finality,
                state=state,
                was=None if state in COUNTS else block,
                now=block if state in COUNTS else None,
                evidence=_rivals(rows) if state == REPLACED else (),
                on_lists=self._on_lists(first.facts.on_lists),
                ours=self._touched(rows),
                funds=thread.funds,
            ),
        )

    def _make(
        self,
        kind: AlertKind,
        rows: Sequence[Standing],
        lane: Lane,
        reason: str,
        loud: loudness.Loudness,
        *,
        severity: Severity,
        amends: str | None,
        number: int,
        facts: Facts,
    ) -> Alert:
        entry, tx = self.entry, rows[0].transfer.tx
        # One thread start per (entry, transaction) whatever its kind: the id leaves it out.
        what = "start" if amends is None else f"{kind.value}{number}"
        return Alert(
            id=stable_id("A", entry.id, entry.subject.chain, tx, what),
            kind=kind,
            lane=lane,
            severity=Severity.SEVERE if facts.ours else severity,
            created=self.context.now,
            chain=entry.subject.chain,
            tx=tx,
            entry_id=entry.id,
            # What the issuer does has none: no channel's rule about directions keeps it back.
            direction=None if any(s.transfer.kind.act for s in rows) else loud.direction,
            amends=amends,
            lane_reason=reason,
            facts=facts,
            rows=tuple(s.transfer.identity for s in rows),
        )


def _rivals(rows: Sequence[Standing]) -> tuple[str, ...]:
    """What shows that they were replaced, in sentences."""
    others = dict.fromkeys(stood.rival for stood in rows)
    return tuple(f"Transaction {tx} spends the same coins." for tx in others if tx)
