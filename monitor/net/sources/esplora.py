"""Esplora REST API: Blockstream, mempool.space, self-hosted electrs and its forks.

An address has one list, newest first, continued after the last transaction seen. A
transaction is reported whole, with every input and output, so all its legs become transfers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from monitor.chains.address import AddressError, canonical
from monitor.model import Ask, Batch, Chain, Head, Interval, Kind, Lookup, SourceConfig, Transfer
from monitor.model.errors import BadResponse, Refused, SourceError
from monitor.net.http import Answer, Http
from monitor.net.sources.paging import Recorder
from monitor.net.sources.parsing import Parsed, RowError, fields, place, read_rows, text, whole

PAGE_SIZE = 25  # Blockstream and mempool.space; self-hosted servers may be set otherwise
GENESIS = {
    "bitcoin": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "bitcoin-testnet": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "bitcoin-testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "bitcoin-signet": "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
}
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_CURSOR = re.compile(r"([0-9a-f]{64}) ([0-9]{1,15}) ([0-9]{1,15})\Z")


class Esplora:
    """Source for one UTXO chain. `url` is what `/address/...` is appended to.

    Batches of stream `utxo` on the axis of heights, one subject each. A cursor is
    "txid height seen": the last transaction above the block that the next batch begins
    with, its height, and how many transactions were seen down to it.
    """

    axis = "height"
    bundles = (frozenset({"utxo"}),)
    many = False
    act_calls = 0  # nobody can freeze coins of these chains

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        self.name = config.name
        self.chain = chain.key
        self.index_lag = config.index_lag or 0
        self._chain = chain
        self._http = http
        self._page_size = config.page_size or PAGE_SIZE

    def identify(self) -> None:
        expected = GENESIS.get(self.chain)
        if expected is None:
            return
        reported = self.block_hash(0)
        if reported not in (expected, None):  # None: a pruned server has no word on it
            raise Refused(
                f"{self.name} answers for another chain than {self._chain.name}: its first block "
                f"is {reported}, not {expected}. Correct the url or the chain's sources"
            )

    def head(self) -> Head:
        tip = _hash_text(self._get("/blocks/tip/hash"))
        return parse_head(self._get(f"/block/{tip}").json(), tip)

    def transaction(self, tx: str) -> Lookup:
        head = self.head()
        answer = self._http.get(f"/tx/{quote(tx, safe='')}")
        if answer.status == 404:
            return Lookup(self.name, tx, found=False, head=head)
        return parse_word(self._checked(answer).json(), self.name, tx, head)

    def block_hash(self, height: int) -> str | None:
        answer = self._http.get(f"/block-height/{height}")
        return None if answer.status == 404 else _hash_text(self._checked(answer))

    def fetch(self, ask: Ask) -> Batch:
        """Read downwards from the newest transaction, or from the cursor.

        Unconfirmed transactions are read first: one that is mined meanwhile is then reported
        twice and not left out.
        """
        recorder = Recorder(self._http)
        pending, mempool_read = self._mempool(ask, recorder) if ask.mempool else (Parsed(), False)
        walk = self._walk(ask, recorder)
        read, rest, cursor = walk.covered(ask)
        parsed = parse_transactions(self._chain, walk.rows_above(rest))
        return Batch(
            source=self.name,
            subjects=ask.subjects,
            streams=ask.streams,
            axis=self.axis,
            head=ask.head,
            transfers=(*pending.transfers, *parsed.transfers),
            read=read if parsed.placed else None,
            rest=rest,
            cursor=cursor,
            gaps=(*pending.gaps, *parsed.gaps),
            sha256=recorder.sha256,
            mempool_read=mempool_read,
            calls=recorder.calls,
        )

    def _mempool(self, ask: Ask, recorder: Recorder) -> tuple[Parsed, bool]:
        """The list of unconfirmed transactions, which has no paging and is cut in silence:
        whole only where the address's own count of them agrees."""
        rows = self._rows(recorder, f"{_address_path(ask)}/txs/mempool")
        parsed = parse_unconfirmed(self._chain, rows, ask.head.height)
        if not rows or parsed.gaps:
            return parsed, not parsed.gaps
        reported = self._checked(recorder.get(_address_path(ask), {})).json()
        return parsed, parse_count(reported, "mempool_stats") <= len(rows)

    def _walk(self, ask: Ask, recorder: Recorder) -> _Walk:
        start = _Place.read(ask.cursor)
        if start is not None and not self._stands(start, recorder):
            start = None
        walk = _Walk(start)
        last = start.tx if start is not None else None
        while not walk.below(ask.span.lo) and not walk.full(ask.max_rows):
            rows = self._rows(recorder, _page_path(ask, last))
            if rows:
                last = walk.add(rows)
                if last is None:
                    break
            if len(rows) < self._page_size:
                walk.ended = self._ended(ask, walk, recorder, empty=not rows)
                walk.broken = not rows and not walk.ended
                if walk.ended or walk.broken:
                    break
        return walk

    def _ended(self, ask: Ask, walk: _Walk, recorder: Recorder, *, empty: bool) -> bool:
        """Whether a short or empty page is the end of the history.

        The address's own count of transactions decides. It may be seconds old, and below a
        cursor newer ones may have come on top: then an empty page counts if the transaction
        asked after still stands in its block, because electrs answers an empty page for an
        unknown one too.
        """
        count = parse_count(self._of_address(recorder.get(_address_path(ask), {})).json())
        last = walk.last_place()
        if count == walk.total() or not empty or last is None:
            return count == walk.total()
        moved = count < walk.total() or walk.start is not None
        return moved and self._stands(last, recorder)

    def _stands(self, place: _Place, recorder: Recorder) -> bool:
        """Whether its transaction is still in the block it was seen in."""
        answer = recorder.get(f"/tx/{quote(place.tx, safe='')}/status", {})
        if answer.status in (400, 404):
            return False
        status = fields_of(self._checked(answer).json())
        return status.get("confirmed") is True and status.get("block_height") == place.height

    def _rows(self, recorder: Recorder, path: str) -> list[Any]:
        rows = self._of_address(recorder.get(path, {})).json()
        if not isinstance(rows, list):
            raise BadResponse(f"{self.name} answered something else than a list of transactions")
        return rows

    def _get(self, path: str) -> Answer:
        return self._checked(self._http.get(path))

    def _of_address(self, answer: Answer) -> Answer:
        """As `_checked`, for the lists of an address: what is refused there as unreadable is
        the address, in whatever words."""
        if answer.status not in (400, 422):
            return self._checked(answer)
        said = " ".join(answer.text.split())[:120]
        why = f"{self.name} does not take this address (HTTP {answer.status}: {said})"
        raise Refused(why, of_address=True)

    def _checked(self, answer: Answer) -> Answer:
        if answer.status < 400:
            return answer
        raise classify(self.name, answer.status, answer.text)


@dataclass(frozen=True, slots=True)
class _Place:
    """A transaction of the list, and how many were seen down to it, itself included."""

    tx: str
    height: int
    seen: int

    @classmethod
    def read(cls, cursor: str | None) -> _Place | None:
        match = _CURSOR.match(cursor or "")
        return cls(match[1], int(match[2]), int(match[3])) if match else None

    def __str__(self) -> str:
        return f"{self.tx} {self.height} {self.seen}"


@dataclass(slots=True)
class _Walk:
    """Confirmed transactions seen so far, newest first."""

    start: _Place | None  # that the walk began after
    rows: list[Any] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)  # txid -> height, in order
    legs: int = 0
    ended: bool = False  # the end of the history was reached, and proven to be it
    broken: bool = False  # the list ended, and it cannot be the end

    def add(self, rows: Sequence[Any]) -> str | None:
        """Take a page; return its last txid, None where it cannot be gone on from."""
        known = len(self.seen)
        last = None
        for row in rows:
            last, height, legs = _outline(row)
            if last is None or last not in self.seen:
                self.rows.append(row)
                self.legs += legs
            if last is not None and height is not None:
                self.seen[last] = height
        if last is not None and len(self.seen) == known:
            raise BadResponse("the list of transactions does not go on: a page came twice")
        return last

    def total(self) -> int:
        return len(self.seen) + (self.start.seen if self.start is not None else 0)

    def below(self, height: int) -> bool:
        return any(at < height for at in self.seen.values())

    def full(self, max_rows: int) -> bool:
        """Enough rows, and more than one block of them, so that the next batch gets on."""
        return self.legs >= max_rows and len(set(self.seen.values())) > 1

    def last_place(self) -> _Place | None:
        return self._place_above(-1)

    def covered(self, ask: Ask) -> tuple[Interval | None, Interval | None, str | None]:
        """(read, rest, cursor). The lowest block of a walk that was cut may be cut in two:
        it is left to the next batch, whole.

        Raises BadResponse where the list broke off before it reached the span.
        """
        lo, hi = ask.span.lo, min(ask.span.hi, ask.head.height)
        if lo > hi:
            return None, None, None
        if self.ended or self.below(lo):
            return Interval(lo, hi), None, None
        lowest = min(self.seen.values(), default=hi + 1)
        if self.broken and lowest > hi:
            raise BadResponse(
                "the address's list of transactions ends before its count of them is reached"
            )
        # After a broken list only a walk from the top, with its count, proves the end.
        place = None if self.broken else self._place_above(lowest)
        cursor = None if place is None else str(place)
        if lowest >= hi:
            return None, Interval(lo, hi), cursor
        return Interval(lowest + 1, hi), Interval(lo, lowest), cursor

    def rows_above(self, rest: Interval | None) -> list[Any]:
        """Without those of the block that the next batch reads whole, if there will be one."""
        if rest is None or self.broken:
            return self.rows
        return [row for row in self.rows if (_outline(row)[1] or rest.hi + 1) > rest.hi]

    def _place_above(self, height: int) -> _Place | None:
        before = self.start.seen if self.start is not None else 0
        places = [_Place(tx, at, before + n) for n, (tx, at) in enumerate(self.seen.items(), 1)]
        above = [place for place in places if place.height > height]
        return above[-1] if above else self.start


def _address_path(ask: Ask) -> str:
    return f"/address/{quote(ask.subjects[0].address, safe='')}"


def _page_path(ask: Ask, last: str | None) -> str:
    path = f"{_address_path(ask)}/txs/chain"
    return path if last is None else f"{path}/{last}"


def _outline(row: object) -> tuple[str | None, int | None, int]:
    """Txid, height and number of legs of a row, as far as they can be read."""
    try:
        tx = fields(row)
        txid = _hash(tx.get("txid"), "txid")
        legs = len(tx.get("vin") or ()) + len(tx.get("vout") or ())
        return txid, _height(row), legs
    except (ValueError, TypeError):
        return None, None, 0


def classify(name: str, status: int, body: str) -> SourceError:
    """An HTTP 4xx of this API, whose bodies are plain text."""
    said = " ".join(body.split())[:120]
    if said.startswith("<"):  # a web page: a proxy's or a guard's, not this API's word
        return BadResponse(f"{name} answered a web page (HTTP {status})")
    if status in (401, 402, 403):
        return Refused(f"{name} refuses access (HTTP {status}: {said})")
    if status == 400:
        return Refused(f"{name} refuses this request (HTTP 400: {said})")
    return BadResponse(f"{name} answered HTTP {status}: {said}")


def parse_head(block: object, tip: str) -> Head:
    """`/block/{hash}` of the tip. Raises BadResponse."""
    reported = fields_of(block)
    try:
        return Head(
            height=place(reported.get("height"), "height"),
            time=place(reported.get("timestamp"), "timestamp"),
            block_hash=_same(reported.get("id"), tip),
        )
    except RowError as error:
        raise BadResponse(f"the newest block cannot be read: {error}") from None


def parse_word(tx: object, source: str, txid: str, head: Head) -> Lookup:
    """`/tx/{txid}`. Raises BadResponse."""
    reported = fields_of(tx)
    try:
        height, block_hash, _ = _block(reported)
        found = _same(reported.get("txid"), txid)
    except RowError as error:
        raise BadResponse(f"a transaction cannot be read: {error}") from None
    return Lookup(source, found, found=True, height=height, block_hash=block_hash, head=head)


def parse_count(address: object, which: str = "chain_stats") -> int:
    """Number of confirmed transactions in `/address/{address}`, or with `mempool_stats` of
    those that wait. Raises BadResponse."""
    stats = fields_of(address).get(which)
    try:
        return place(fields(stats).get("tx_count"), "tx_count")
    except RowError as error:
        raise BadResponse(f"the address's totals cannot be read: {error}") from None


def parse_transactions(chain: Chain, rows: Sequence[object]) -> Parsed:
    """Confirmed transactions to transfers; one that cannot be read is a gap of its block.

    Raises Refused for confidential amounts (Liquid).
    """
    return read_rows(rows, _height, lambda row: parse_transaction(chain, row))


def parse_unconfirmed(chain: Chain, rows: Sequence[object], head: int) -> Parsed:
    """As parse_transactions; what cannot be read is a gap of the head's block, because it
    has none of its own yet."""
    return read_rows(rows, lambda _: head, lambda row: parse_transaction(chain, row))


def parse_transaction(chain: Chain, tx: Mapping[str, Any]) -> list[Transfer]:
    """Every leg of one transaction: `in:n` and `out:n`, amounts in base units (satoshi).

    A coinbase input has no sender; its amount is the sum of the outputs: newly created
    coins and the block's fees. There is no row for the fee: it is what the inputs hold
    above the outputs. Scripts without an address (bare keys, OP_RETURN) have no party.
    Raises RowError, Refused.
    """
    txid = _hash(tx.get("txid"), "txid")
    height, block_hash, time = _block(tx)
    outputs = [fields(out) for out in _list(tx, "vout")]
    amounts = [_value(out) for out in outputs]
    legs = [
        *_inputs(chain, tx, sum(amounts)),
        *(
            (f"out:{n}", Kind.UTXO_OUT, None, _party(chain, out), amounts[n], None)
            for n, out in enumerate(outputs)
        ),
    ]
    return [
        Transfer(
            chain=chain.key,
            tx=txid,
            leg=leg,
            kind=kind,
            sender=sender,
            recipient=recipient,
            amount=amount,
            block_height=height,
            block_hash=block_hash,
            time=time,
            spends=spends,
            pending=height is None,
        )
        for leg, kind, sender, recipient, amount, spends in legs
    ]


_Leg = tuple[str, Kind, str | None, str | None, int, str | None]


def _inputs(chain: Chain, tx: Mapping[str, Any], created: int) -> Iterator[_Leg]:
    for n, reported in enumerate(_list(tx, "vin")):
        spent = fields(reported)
        if spent.get("is_coinbase") is True:
            yield f"in:{n}", Kind.COINBASE, None, None, created, None
            continue
        output = fields(spent.get("prevout"))
        spends = f"{_hash(spent.get('txid'), 'vin.txid')}:{place(spent.get('vout'), 'vin.vout')}"
        yield f"in:{n}", Kind.UTXO_IN, _party(chain, output), None, _value(output), spends


def _block(tx: Mapping[str, Any]) -> tuple[int | None, str | None, int | None]:
    """Height, hash and time of the block; all None for an unconfirmed transaction."""
    status = fields(tx.get("status"))
    confirmed = status.get("confirmed")
    if confirmed is False:
        return None, None, None
    if confirmed is not True:
        raise RowError("status.confirmed is neither true nor false")
    return (
        place(status.get("block_height"), "block_height"),
        _hash(status.get("block_hash"), "block_hash"),
        place(status.get("block_time"), "block_time"),
    )


def _height(row: object) -> int:
    return place(fields(fields(row).get("status")).get("block_height"), "block_height")


def _value(output: Mapping[str, Any]) -> int:
    if "asset" in output or "assetcommitment" in output:
        raise Refused(
            "this is a chain with hidden amounts and several assets (Liquid), which is not "
            "supported. Remove it"
        )
    return whole(output.get("value"), "value")


def _party(chain: Chain, output: Mapping[str, Any]) -> str | None:
    reported = output.get("scriptpubkey_address")
    if reported is None:
        return None
    try:
        return canonical(chain, text(reported, "scriptpubkey_address"))
    except AddressError:
        return str(reported)  # other people's odd script must not lose the transaction


def _list(tx: Mapping[str, Any], name: str) -> list[Any]:
    reported = tx.get(name)
    if not isinstance(reported, list) or not reported:
        raise RowError(f"{name} is not a list with entries")
    return reported


def _hash(value: object, name: str) -> str:
    if not isinstance(value, str) or not _HASH.match(value):
        raise RowError(f"{name} is not a hash")
    return value


def _same(reported: object, asked: str) -> str:
    if reported != asked:
        raise RowError("it is another one than was asked for")
    return asked


def _hash_text(answer: Answer) -> str:
    reported = answer.text.strip()
    if not _HASH.match(reported):
        raise BadResponse(f"{answer.origin} answered something else than a block's hash")
    return reported


def fields_of(reported: object) -> Mapping[str, Any]:
    """An answer that must be an object. Raises BadResponse."""
    if not isinstance(reported, dict):
        raise BadResponse("an object was expected and something else came")
    return reported
