"""An invented chain, and invented explorers over it that lag, fail, cut and lie.

`FakeLedger` pays, mines and reorganises; it keeps every state that it ever had, so that an
explorer can be some states behind, also on a branch that has been replaced. `FakeSource` is
a monitor.model.ports.Source over it, without HTTP. Its faults are plain attributes that a test
sets; `heal` ends them all. What it claimed to have shown in full is kept in `served`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from monitor.chains.table import streams_of
from monitor.model import (
    Ask,
    Axis,
    Batch,
    Chain,
    Gap,
    Head,
    Interval,
    Kind,
    Lookup,
    Transfer,
    account_leg,
    intervals,
)
from monitor.model.errors import NotYet, Refused, SourceError, Unavailable
from monitor.net.sources.evm_rows import number_equals

Identity = tuple[str, str, str]
UTXO = (Kind.UTXO_IN, Kind.UTXO_OUT, Kind.COINBASE)


@dataclass(frozen=True, slots=True)
class Move:
    """One movement inside a transaction."""

    kind: Kind
    sender: str | None
    recipient: str | None
    amount: int
    contract: str | None = None
    token_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tx:
    hash: str
    moves: tuple[Move, ...]
    failed: bool = False  # reverted: in a block, paid for, and nothing else moved
    instead: str = ""  # of another transaction, whose coins it spends

    def addresses(self) -> set[str]:
        return {a for m in self.moves for a in (m.sender, m.recipient) if a is not None}


@dataclass(frozen=True, slots=True)
class Block:
    height: int
    hash: str
    time: int
    txs: tuple[Tx, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """One state of the chain: what a node that stands there knows."""

    blocks: tuple[Block, ...]
    mempool: tuple[Tx, ...] = ()

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def find(self, tx: str) -> Block | None:
        return next((b for b in self.blocks if any(t.hash == tx for t in b.txs)), None)


class FakeLedger:
    """The chain itself. `now` is the clock of the whole invented world (Unix seconds)."""

    def __init__(self, chain: Chain, now: int = 1_700_000_000, first: int = 0) -> None:
        """`first`: where hashes begin, so that those of two chains differ."""
        self.chain = chain
        self.now = now
        self._count = first
        self.views = [View((Block(0, self._hash(), now),))]
        # Every place a transaction ever had, (height, time); (None, None) in the mempool.
        self.places: dict[str, set[tuple[int | None, int | None]]] = {}

    @property
    def view(self) -> View:
        return self.views[-1]

    def pay(self, *moves: Move, instead: Tx | None = None) -> Tx:
        """Send a transaction; it waits to be mined. `instead`: of this one, which nobody will."""
        if instead is not None:
            self.evict(instead)
        tx = Tx(self._hash(), moves, instead=instead.instead or instead.hash if instead else "")
        self._push(View(self.view.blocks, (*self.view.mempool, tx)))
        return tx

    def fail(self, *moves: Move) -> Tx:
        """Send a transaction that will be reverted, though explorers list what it tried."""
        tx = Tx(self._hash(), moves, failed=True)
        self._push(View(self.view.blocks, (*self.view.mempool, tx)))
        return tx

    def mine(self, blocks: int = 1, *, idle: bool = False) -> None:
        """The first block takes all that waits, unless `idle`."""
        for _ in range(blocks):
            txs = () if idle else self.view.mempool
            waiting = self.view.mempool if idle else ()
            block = self._block(self.view.head, txs)
            self._push(View((*self.view.blocks, block), waiting))

    def burst(self, blocks: int) -> None:
        """Many blocks at once, as after a halt of the chain: the clock hardly moves."""
        for _ in range(blocks):
            head = self.view.head
            block = Block(head.height + 1, self._hash(), max(self.now, head.time + 1))
            self._push(View((*self.view.blocks, block), self.view.mempool))

    def evict(self, tx: Tx) -> None:
        """Forget a transaction that waits; nobody will ever mine it."""
        self._push(View(self.view.blocks, tuple(t for t in self.view.mempool if t != tx)))

    def reorg(self, depth: int, fate: str, *, extra: int = 0) -> None:
        """Replace the last blocks by as many others (and `extra`). Their transactions:

        "same": in the new block of the same height; "later": all in the last new block;
        "wait": back to the mempool; "drop": gone for ever.
        """
        gone = self.view.blocks[-depth:]
        moved = tuple(t for b in gone for t in b.txs)
        blocks = self.view.blocks[: len(self.view.blocks) - depth]
        for number, old in enumerate([*gone, *([None] * extra)], start=1):
            last = number == depth + extra
            txs = old.txs if fate == "same" and old else moved if fate == "later" and last else ()
            blocks = (*blocks, self._block(blocks[-1], txs))
        waiting = moved if fate == "wait" else ()
        self._push(View(blocks, (*waiting, *self.view.mempool)))

    def rows(self) -> list[Transfer]:
        """Every movement that has happened, as the chain stands."""
        return [
            t
            for b in self.view.blocks
            for tx in b.txs
            for t in transfers(self.chain, tx, b)
            if not tx.failed or t.kind is Kind.FEE
        ]

    def pending(self) -> list[Transfer]:
        return [t for tx in self.view.mempool for t in transfers(self.chain, tx, None)]

    def _hash(self) -> str:
        self._count += 1
        return f"0x{self._count:064x}"

    def _block(self, head: Block, txs: tuple[Tx, ...]) -> Block:
        """Blocks come one block time apart; the clock follows if it is behind."""
        self.now += int(self.chain.block_time)
        return Block(head.height + 1, self._hash(), max(self.now, head.time + 1), txs)

    def _push(self, view: View) -> None:
        self.views.append(view)
        self._note()

    def _note(self) -> None:
        for block in self.view.blocks[-12:]:
            for tx in block.txs:
                self.places.setdefault(tx.hash, set()).add((block.height, block.time))
        for tx in self.view.mempool:
            self.places.setdefault(tx.hash, set()).add((None, None))


def transfers(chain: Chain, tx: Tx, block: Block | None) -> list[Transfer]:
    """The movements of one transaction, legs named as every source must name them."""
    seen: dict[Move, int] = {}
    numbers = {Kind.UTXO_IN: 0, Kind.COINBASE: 0, Kind.UTXO_OUT: 0}
    result = []
    for place, move in enumerate(tx.moves):
        if move.kind in UTXO:
            side = "out" if move.kind is Kind.UTXO_OUT else "in"
            leg = f"{side}:{numbers[move.kind]}"
            numbers[move.kind] += 1
        else:
            ordinal = seen.get(move, 0)
            seen[move] = ordinal + 1
            leg = account_leg(
                *(move.kind, move.contract, move.token_id, move.sender, move.recipient),
                *(move.amount, ordinal),
            )
        result.append(_transfer(chain, tx, block, move, leg, place))
    return result


def _transfer(
    chain: Chain, tx: Tx, block: Block | None, move: Move, leg: str, place: int
) -> Transfer:
    return Transfer(
        chain=chain.key,
        tx=tx.hash,
        leg=leg,
        kind=move.kind,
        sender=move.sender,
        recipient=move.recipient,
        amount=move.amount,
        contract=move.contract,
        token_id=move.token_id,
        block_height=block.height if block else None,
        block_hash=block.hash if block else None,
        time=block.time if block else None,
        log_index=place if block and move.contract else None,
        spends=f"{tx.instead or tx.hash}:0" if move.kind is Kind.UTXO_IN else None,
        pending=block is None,
    )


@dataclass(frozen=True, slots=True)
class Served:
    """A claim: these lists of this address were shown in full here."""

    subject: str
    stream: str
    axis: Axis
    span: Interval


class FakeSource:
    """An explorer of one FakeLedger. See monitor.model.ports.Source."""

    def __init__(
        self,
        ledger: FakeLedger,
        name: str,
        *,
        bundles: Sequence[Iterable[str]] = (),
        index_lag: int = 0,
        newest_first: bool = False,
        page: int = 1000,
        many: bool = False,
        lookups: bool = True,
        axis: str = Axis.HEIGHT,
        hashless: Iterable[str] = (),
        heightless: Iterable[str] = (),
        first_block: str = "",
    ) -> None:
        self.ledger = ledger
        self.name = name
        self.chain = ledger.chain.key
        self.axis = Axis(axis)
        self.bundles = tuple(map(frozenset, bundles)) or (frozenset(streams_of(ledger.chain)),)
        self.many = many
        self.list_calls = 2 if many else 1
        self.act_calls = 1
        self.index_lag = index_lag
        self.newest_first = newest_first
        self.page = page
        self.lookups = lookups
        self.hashless = frozenset(hashless)  # streams whose rows name no block hash
        self.heightless = frozenset(heightless)
        self.first_block = first_block  # another hash than the chain's, as some explorers show
        self.served: list[Served] = []
        self.asked: list[Ask] = []
        self.looked_up = 0  # transactions asked for by hash
        self.block_cap: int | None = None  # rows of one block that it hands out at most
        self.never: frozenset[str] = frozenset()  # streams that it never gets to index
        self.heal()

    def heal(self) -> None:
        """End every fault, except what this explorer can never do."""
        self.error: SourceError | None = None
        self.stale = 0  # states of the chain that it is behind
        self.delay: dict[str, int] = {}  # stream -> blocks that its list is behind the head
        self.not_yet: set[str] = set()
        self.bad: set[Identity] = set()  # rows that cannot be read
        self.hidden: set[Identity] = set()  # rows that it will only insert later
        self.omit_once: set[Identity] = set()  # rows that the next list leaves out
        self.high = 0  # blocks by which its head lies too high
        self.early = 0  # seconds by which its head's time lies in the future (or past)
        self.nameless = False  # its false head names no hash
        self.final: int | None = None  # what it calls final, in blocks from its head
        self.abroad: FakeLedger | None = None  # another chain, for which it answers
        self.forgotten: set[str] = set()  # transactions that lists and look-ups do not know
        self.dumb = False  # look-ups fail
        self.slanders = False  # look-ups call every transaction failed
        self.doubled = False  # lists tell every row twice
        self.epoch = 0  # raised: cursors given before have become invalid

    def identify(self) -> None:
        self._answer()

    def head(self) -> Head:
        block = self._answer().head
        height, time = block.height + self.high, block.time + self.early
        block_hash: str | None = block.hash
        if self.high or self.early:  # a false one, the same as long as the lie is the same
            block_hash = None if self.nameless else f"0xfalse{height}/{time}"
        if self.final is None:
            return Head(height, time, block_hash)
        final = time + self.final * int(self.ledger.chain.block_time)
        return Head(height, time, block_hash, max(0, height + self.final), final)

    def block_hash(self, height: int) -> str | None:
        view = self._answer()
        if not self.lookups:
            raise Refused("no look-ups here")
        if not height and self.first_block:
            return self.first_block
        return view.blocks[height].hash if height <= view.head.height else None

    def transaction(self, tx: str) -> Lookup:
        view = self._answer()
        self.looked_up += 1
        if not self.lookups:
            raise Refused("no look-ups here")
        if self.dumb:
            raise Unavailable("no answer")
        head = Head(view.head.height, view.head.time, view.head.hash)
        block = view.find(tx)
        if tx in self.forgotten:
            return Lookup(self.name, tx, False, head=head)
        if block is not None:
            failed = self.slanders or any(t.failed for t in block.txs if t.hash == tx)
            return Lookup(self.name, tx, True, block.height, block.hash, failed, head)
        waiting = any(t.hash == tx for t in view.mempool)
        return Lookup(self.name, tx, waiting, head=head)

    def fetch(self, ask: Ask) -> Batch:
        view = self._answer()
        self.asked.append(ask)
        if late := ask.streams & (self.not_yet | self.never):
            raise NotYet(f"{', '.join(sorted(late))} not processed yet")
        batch = self._walk(ask, view)
        gaps = self._gaps(ask, view, batch)
        if batch.read is not None:
            self._claim(ask, view, batch.read, gaps)
        return replace(
            batch,
            transfers=tuple(t for t in batch.transfers if t.identity not in self.bad),
            gaps=(*batch.gaps, *gaps),
            sha256=f"answer {len(self.asked)} of {self.name}",
            calls=1,
        )

    # -- what stands in its lists ---------------------------------------------------------

    def _answer(self) -> View:
        if self.error is not None:
            raise self.error
        views = (self.abroad or self.ledger).views
        return views[max(0, len(views) - 1 - self.stale)]

    def _listed(self, ask: Ask, view: View) -> list[tuple[int, Transfer]]:
        """Rows of the asked lists with their places, ascending, as this explorer has them."""
        wanted = {s.address for s in ask.subjects}
        rows = []
        for block in view.blocks:
            for tx in block.txs:
                if not tx.addresses() & wanted:
                    continue
                rows += [
                    (self._place(block), self._told(t))
                    for t in self._rows(tx, block)
                    if self._shows(t, wanted, ask.streams, view)
                ]
        self.omit_once -= {t.identity for _, t in rows}
        return [(place, t) for place, t in rows if t.identity not in self._leaving_out]

    def _rows(self, tx: Tx, block: Block) -> list[Transfer]:
        """As the adapters make them of the answers, also where these tell a row twice."""
        rows = [] if tx.hash in self.forgotten else transfers(self.ledger.chain, tx, block)
        if not self.doubled or self.ledger.chain.family == "utxo":
            return rows * (1 + self.doubled)
        drafts = [
            replace(t, leg="", log_index=n, trace_path=str(n) if t.kind is Kind.INTERNAL else None)
            for n, t in enumerate(rows)
        ]
        return [replace(t, trace_path=None) for t in number_equals([*drafts, *drafts])]

    def _shows(self, t: Transfer, wanted: set[str], streams: frozenset[str], view: View) -> bool:
        stream = t.kind.stream
        mine = t.kind in UTXO or any(a in wanted for a in t.parties())
        behind = self.delay.get(stream, 0)
        indexed = (t.block_height or 0) <= view.head.height - behind
        return stream in streams and mine and indexed and t.identity not in self.hidden

    def _told(self, t: Transfer) -> Transfer:
        stream = t.kind.stream
        if stream in self.hashless:
            t = replace(t, block_hash=None)
        return replace(t, block_height=None) if stream in self.heightless else t

    def _place(self, block: Block) -> int:
        return self.axis.at(block.height, block.time)

    def _walk(self, ask: Ask, view: View) -> Batch:
        self._leaving_out = set(self.omit_once)
        told = Head(view.head.height + self.high, view.head.time + self.early)
        top = self.axis.top(told)
        hi = min(ask.span.hi, self.axis.top(ask.head), top)
        empty = Batch(self.name, ask.subjects, ask.streams, self.axis, ask.head)
        if hi < ask.span.lo:
            return empty
        span = Interval(ask.span.lo, hi)
        blocks = [
            (place, [t for _, t in rows])
            for place, rows in groupby(self._listed(ask, view), key=lambda pair: pair[0])
        ]
        limit = min(self.page, ask.max_rows)
        if self.newest_first:
            batch = self._down(empty, blocks, span, limit, ask.cursor)
        else:
            batch = self._up(empty, blocks, span, limit)
        return self._with_mempool(batch, ask, view) if ask.mempool else batch

    def _up(
        self, empty: Batch, blocks: list[tuple[int, list[Transfer]]], span: Interval, limit: int
    ) -> Batch:
        rows: list[Transfer] = []
        gaps: list[Gap] = []
        end = span.hi
        for place, group in blocks:
            if place not in span:
                continue
            if rows and len(rows) + len(group) > limit:
                end = place - 1
                break
            if self.block_cap is not None and len(group) > self.block_cap:
                gaps.append(Gap(Interval(place, place), "block too large for the list"))
            rows += group[: self.block_cap]
        rest = Interval(end + 1, span.hi) if end < span.hi else None
        read = Interval(span.lo, end)
        return replace(empty, transfers=tuple(rows), read=read, rest=rest, gaps=tuple(gaps))

    def _down(
        self,
        empty: Batch,
        blocks: list[tuple[int, list[Transfer]]],
        span: Interval,
        limit: int,
        cursor: str | None,
    ) -> Batch:
        """Newest first; a cursor names the place to go on from, an expired one is ignored."""
        epoch, _, at = (cursor or "").partition(":")
        start = int(at) if at and epoch == str(self.epoch) else None
        rows: list[Transfer] = []
        seen = 0
        for place, group in reversed(blocks):
            if place < span.lo or (start is not None and place > start):
                continue
            if seen and seen + len(group) > limit:
                going_on = f"{self.epoch}:{place}"
                if place >= span.hi:
                    return replace(empty, rest=span, cursor=going_on)
                read, rest = Interval(place + 1, span.hi), Interval(span.lo, place)
                return replace(empty, transfers=tuple(rows), read=read, rest=rest, cursor=going_on)
            seen += len(group)
            rows += group if place in span else []
        return replace(empty, transfers=tuple(rows), read=span)

    def _with_mempool(self, batch: Batch, ask: Ask, view: View) -> Batch:
        if self.ledger.chain.family != "utxo":
            return batch
        wanted = {s.address for s in ask.subjects}
        waiting = [
            t
            for tx in view.mempool
            if tx.addresses() & wanted
            for t in transfers(self.ledger.chain, tx, None)
        ]
        told = [t for t in waiting if t.identity not in self._leaving_out | self.hidden]
        self.omit_once -= {t.identity for t in waiting}
        return replace(
            batch,
            transfers=(*batch.transfers, *told),
            mempool_read=not any(t.identity in self.bad for t in told),
        )

    def _gaps(self, ask: Ask, view: View, batch: Batch) -> tuple[Gap, ...]:
        if batch.read is None:
            return ()
        places = {
            place
            for place, t in self._bad_rows(ask, view)
            if place in batch.read and t.identity in self.bad
        }
        return tuple(Gap(Interval(p, p), "a row cannot be read", "{}") for p in sorted(places))

    def _bad_rows(self, ask: Ask, view: View) -> Iterator[tuple[int, Transfer]]:
        wanted = {s.address for s in ask.subjects}
        for block in view.blocks:
            for tx in block.txs:
                for t in transfers(self.ledger.chain, tx, block):
                    if self._shows(t, wanted, ask.streams, view) and tx.addresses() & wanted:
                        yield self._place(block), t

    def _claim(self, ask: Ask, view: View, read: Interval, gaps: Sequence[Gap]) -> None:
        """What it showed is true only of this chain, up to its own newest block."""
        newest = self.axis.top(Head(view.head.height, view.head.time))
        if self.abroad is not None or read.lo > newest:
            return
        read = Interval(read.lo, min(read.hi, newest))
        for span in intervals.subtract(read, (g.at for g in gaps)):
            for subject in ask.subjects:
                for stream in ask.streams:
                    self.served.append(Served(subject.key, stream, self.axis, span))
