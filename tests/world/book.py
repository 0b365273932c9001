"""One subject, one record, and batches told by hand: the smallest play for the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from monitor.chains.table import streams_of
from monitor.decide.decision import cut, decide
from monitor.model import (
    Alert,
    Axis,
    Batch,
    Chain,
    Entry,
    Gap,
    Head,
    Interval,
    Kind,
    Lookup,
    Row,
    Status,
    Subject,
    Transfer,
    account_leg,
)
from monitor.model.facts import Correction, of_kind
from monitor.model.plan import Answers, Plan
from monitor.model.streams import Reading
from monitor.store import apply, coverage, transfers
from monitor.store.context import load_context
from world.listed import take_list
from world.play import COIN, ETHEREUM, TOKEN, A, X
from world.record import new_record

START = 1_700_000_000


def transfer(
    height: int | None,
    *,
    tx: str = "0xt1",
    kind: Kind = Kind.NATIVE,
    sender: str | None = X,
    recipient: str | None = A,
    amount: int = 5,
    contract: str | None = None,
    block: str = "",
    ordinal: int = 0,
) -> Transfer:
    """A transfer in a block whose hash names the height (and `block`, a branch), or pending."""
    return Transfer(
        "ethereum",
        tx,
        account_leg(kind, contract, None, sender, recipient, amount, ordinal),
        kind,
        sender,
        recipient,
        amount,
        contract=contract,
        block_height=height,
        block_hash=None if height is None else f"0xb{height}{block}",
        time=None if height is None else START + height * 10,
        pending=height is None,
    )


def fee(height: int, sender: str = A, tx: str = "0xt1") -> Transfer:
    return transfer(height, tx=tx, kind=Kind.FEE, sender=sender, recipient=None, amount=21)


class Book:
    """The record of one address. `read` is one poll: a batch, a decision, applied."""

    def __init__(
        self, folder: Path, *, address: str = A, chain: Chain = ETHEREUM, met: int = 100
    ) -> None:
        self.store = new_record(folder / "book.db")
        self.chain = chain
        self.subject = Subject("ethereum", address)
        self.entries: list[Entry] = []
        self.now = START + met * 10
        self.lags: dict[str, int] = {}
        self.mute = False  # nobody can look a transaction up
        self.titles: Mapping[str, str] = {}  # lists of our own

    def watch(self, address: str | None = None, **terms: object) -> Entry:
        number = len(self.entries)
        subject = Subject("ethereum", address or self.subject.address)
        self.entries.append(Entry(f"E{number}", subject, **{"case": "C", **terms}))  # type: ignore[arg-type]
        take_list(self.store, self.entries, f"list {number}", self.now)
        return self.entries[-1]

    def batch(
        self,
        *told: Transfer,
        head: int,
        source: str = "one",
        lo: int = 0,
        hi: int | None = None,
        gaps: Sequence[Gap] = (),
        mempool: bool = False,
        streams: frozenset[str] | None = None,
    ) -> Batch:
        self.now = max(self.now, START + head * 10)
        return Batch(
            source=source,
            subjects=(self.subject,),
            streams=streams or frozenset(streams_of(self.chain)),
            axis=Axis.HEIGHT,
            head=Head(head, START + head * 10, f"0xb{head}"),
            transfers=told,
            read=Interval(lo, head if hi is None else hi),
            rest=None if hi is None else Interval(hi + 1, head),
            gaps=tuple(gaps),
            mempool_read=mempool,
        )

    def read(self, *told: Transfer, head: int, **how: object) -> Plan:
        return self.take([self.batch(*told, head=head, **how)])  # type: ignore[arg-type]

    def take(
        self,
        batches: Sequence[Batch],
        lookups: Sequence[Lookup] = (),
        hashes: Mapping[tuple[str, int], str | None] | None = None,
    ) -> Plan:
        plan = self.decide(batches, lookups, hashes)
        readings = [
            Reading(stream, ok=True, source=b.source, axis=b.axis, read=b.read)
            for b in batches
            for stream in sorted(b.streams)
        ]
        apply.apply(self.store, plan, readings=readings)
        self.now += 10
        return plan

    def decide(
        self,
        batches: Sequence[Batch],
        lookups: Sequence[Lookup] = (),
        hashes: Mapping[tuple[str, int], str | None] | None = None,
    ) -> Plan:
        batches = cut(batches)
        states = coverage.stream_states(self.store, self.subject, self.now)
        context = load_context(
            self.store,
            self.chain,
            self.subject,
            batches,
            states,
            assets={("ethereum", TOKEN): COIN},
            lags=self.lags,
            now=self.now,
            titles=self.titles,
        )
        by_tx: dict[str, list[Lookup]] = {}
        for lookup in lookups:
            by_tx.setdefault(lookup.tx, []).append(lookup)
        return decide(context, batches, Answers(by_tx, hashes or {}, mute=self.mute))

    # -- looking in ----------------------------------------------------------------------

    def row(self, told: Transfer) -> Row:
        context_rows = transfers.rows_of_subject(self.store, self.subject)
        (found,) = [r for r in context_rows if r.transfer.identity == told.identity]
        return found

    def status(self, told: Transfer) -> Status:
        return self.row(told).status

    def alerts(self) -> list[str]:
        """Kinds, in the order of telling; corrections with their state."""
        rows = self.store.read(
            "SELECT kind, json_extract(facts, '$.correction.state') AS state FROM alert "
            "ORDER BY rowid"
        )
        return [row["state"] or row["kind"] for row in rows]


def kinds(plan: Plan) -> list[str]:
    return [alert_words(alert) for alert in plan.alerts]


def alert_words(alert: Alert) -> str:
    return of_kind(alert.facts, Correction).state or alert.kind.value


def stream_of(told: Transfer) -> frozenset[str]:
    return frozenset({told.kind.stream})


def elsewhere(told: Transfer, height: int) -> Transfer:
    """The same movement, included in another block."""
    moved = transfer(height, block="'")
    return replace(
        told, block_height=height, block_hash=moved.block_hash, time=moved.time, pending=False
    )
