"""What the answers of a Blockbook come to. Pure.

Amounts are decimal text in base units. What is empty is left out of an answer: the number of
an output if it is 0, the list of an address if it holds nothing. Shielded parts of a
transaction (Zcash), what moves inside Litecoin's MWEB and Dash's credit pool stand in no
answer: such a transaction has inputs or outputs that do not add up, or no inputs at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.chains.utxo import UTXO
from monitor.model import Chain, Head, Kind, Lookup, Transfer
from monitor.model.errors import BadResponse, NotYet
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    items,
    place,
    read_rows,
    text,
    whole,
)
from monitor.net.sources.utxo_legs import (
    HASH,
    Block,
    Leg,
    fields_of,
    folded,
    hash_of,
    same,
    transfers_of,
)

_MEMPOOL = -1  # height of what no block holds yet


@dataclass(frozen=True, slots=True)
class Index:
    """What a server says of itself: the coin's name and how far its own index goes."""

    coin: str
    height: int
    complete: bool  # False while it is built for the first time


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of an address's list, newest first."""

    pending: tuple[object, ...]
    mined: tuple[object, ...]
    waiting: int  # unconfirmed transactions of the address, listed here or not
    total: int  # confirmed ones, the same
    full: bool  # more may follow, whatever was counted


@dataclass(frozen=True, slots=True)
class Outline:
    """What a walk needs of a row, as far as it can be read."""

    key: str
    height: int | None
    tip: int | None  # the newest block of the index that reported the row
    legs: int


def parse_status(reported: object) -> Index:
    """`/api/v2/`. Raises BadResponse."""
    own = fields_of(fields_of(reported).get("blockbook"))
    try:
        return Index(
            coin=text(own.get("coin", ""), "coin"),
            height=place(own.get("bestHeight"), "bestHeight"),
            complete=own.get("initialSync") is not True,
        )
    except RowError as error:
        raise BadResponse(f"the server's state cannot be read: {error}") from None


def parse_block_hash(reported: object) -> str | None:
    """`/api/v2/block-index/{height}`; None for a block that the index does not have."""
    found = fields_of(reported).get("blockHash")
    if found == "":
        return None
    if not isinstance(found, str) or not HASH.match(found):
        raise BadResponse("something else than a block's hash was answered")
    return found


def parse_head(reported: object, block_hash: str, height: int) -> Head:
    """`/api/v2/block/{hash}`, held against the height that it was found at. Raises
    BadResponse."""
    block = fields_of(reported)
    try:
        return Head(
            height=same(place(block.get("height"), "height"), height),
            time=place(block.get("time"), "time"),
            block_hash=same(block.get("hash"), block_hash),
        )
    except RowError as error:
        raise BadResponse(f"the newest block cannot be read: {error}") from None


def parse_lookup(reported: object, source: str, txid: str, head: Head) -> Lookup:
    """`/api/v2/tx/{txid}`. Raises BadResponse, and NotYet for a transaction of a block that
    the server's node knows and its index does not: the height is a guess then."""
    tx = fields_of(reported)
    try:
        found = same(tx.get("txid"), txid)
        if not is_pending(tx) and "blockHash" not in tx:
            raise NotYet(f"{source} has not indexed the block of this transaction yet")
        height, block_hash, _ = _block(tx)
    except RowError as error:
        raise BadResponse(f"a transaction cannot be read: {error}") from None
    return Lookup(source, found, found=True, height=height, block_hash=block_hash, head=head)


def parse_page(reported: object, chain: Chain, address: str, size: int) -> Page:
    """`/api/v2/address/{address}?details=txs`, of which `size` rows were asked for. Raises
    BadResponse.

    The address is held against the one asked for, because any path that a server does not
    know is answered with its state and HTTP 200.
    """
    page = fields_of(reported)
    rows = page.get("transactions", [])
    if not isinstance(rows, list) or page.get("txids"):
        raise BadResponse("something else than a list of transactions was answered")
    try:
        if folded(chain, text(page.get("address"), "address")) != address:
            raise BadResponse("the list of another address was answered")
        waiting, total = (place(page.get(name), name) for name in ("unconfirmedTxs", "txs"))
    except RowError as error:
        raise BadResponse(f"the address's list cannot be read: {error}") from None
    pending = tuple(row for row in rows if is_pending(row))
    mined = tuple(row for row in rows if not is_pending(row))
    return Page(pending, mined, waiting, total, _is_full(page, len(rows), size))


def _is_full(page: Mapping[str, object], rows: int, size: int) -> bool:
    """Whether a page has as many rows as were asked for or as it may have, or is not the last."""
    own, pages, number = map(page.get, ("itemsOnPage", "totalPages", "page"))
    most = min(size, own) if isinstance(own, int) and own > 0 else size
    last = not isinstance(pages, int) or not isinstance(number, int) or pages <= number
    return rows >= most or not last


def is_pending(row: object) -> bool:
    """Whether a row is of a transaction that no block holds."""
    if not isinstance(row, dict):
        return False
    return row.get("blockHeight") == _MEMPOOL or row.get("confirmations") == 0


def outline(row: object) -> Outline:
    """Of a confirmed row."""
    try:
        tx = fields(row)
        key = hash_of(tx.get("txid"), "txid")
        height = _height(row)
        tip = height + place(tx.get("confirmations"), "confirmations") - 1
        legs = sum(len(items(tx.get(side), side)) for side in ("vin", "vout"))
        return Outline(key, height, tip, legs)
    except ValueError:
        return Outline(json.dumps(row), None, None, 0)


def parse_transactions(chain: Chain, rows: Sequence[object]) -> Parsed:
    """Confirmed transactions to transfers; one that cannot be read is a gap of its block."""
    return read_rows(rows, _height, lambda row: parse_transaction(chain, row))


def parse_unconfirmed(chain: Chain, rows: Sequence[object], head: int) -> Parsed:
    """As parse_transactions; what cannot be read is a gap of the head's block, because it
    has none of its own yet."""
    return read_rows(rows, lambda _: head, lambda row: parse_transaction(chain, row))


def parse_transaction(chain: Chain, tx: Mapping[str, object]) -> list[Transfer]:
    """Every leg of one transaction that can be seen: `in:n` and `out:n`.

    A coinbase input has no sender; its amount is the sum of the outputs. There is no row
    for the fee. The server's own sums are held against the legs, so that a row that was
    cut short is not taken for a whole one. Raises RowError.
    """
    txid = hash_of(tx.get("txid"), "txid")
    outputs = _numbered(tx, "vout")
    amounts = [whole(out.get("value"), "value of an output", UTXO.amount_max) for out in outputs]
    legs = [
        *_inputs(chain, _numbered(tx, "vin"), sum(amounts)),
        *(
            Leg(f"out:{n}", Kind.UTXO_OUT, None, _party(chain, out), amounts[n])
            for n, out in enumerate(outputs)
        ),
    ]
    _held(tx, "value", amounts)
    _held(tx, "valueIn", [leg.amount for leg in legs if leg.kind is Kind.UTXO_IN])
    if not legs:
        raise RowError("a transaction without inputs and outputs")
    return transfers_of(chain, txid, _block(tx), legs)


def _inputs(chain: Chain, inputs: Sequence[Mapping[str, object]], created: int) -> Iterator[Leg]:
    for n, spent in enumerate(inputs):
        if spent.get("coinbase"):
            yield Leg(f"in:{n}", Kind.COINBASE, None, None, created)
            continue
        spends = (
            f"{hash_of(spent.get('txid'), 'vin.txid')}:{place(spent.get('vout', 0), 'vin.vout')}"
        )
        amount = whole(spent.get("value"), "value of an input", UTXO.amount_max)
        yield Leg(f"in:{n}", Kind.UTXO_IN, _party(chain, spent), None, amount, spends)


def _numbered(tx: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """The inputs or outputs, each at the place that it says it has."""
    reported = tx.get(name)
    if not isinstance(reported, list):
        raise RowError(f"{name} is not a list")
    found = [fields(each) for each in reported]
    if any(place(each.get("n"), "n") != n for n, each in enumerate(found)):
        raise RowError(f"{name} is not complete or not in order")
    return found


def _held(tx: Mapping[str, object], name: str, amounts: Sequence[int]) -> None:
    if whole(tx.get(name, 0), name) != sum(amounts):
        raise RowError(f"{name} is not the sum of the amounts reported")


def _block(tx: Mapping[str, object]) -> Block:
    """Height, hash and time of the block; all None for an unconfirmed transaction, whose
    time is only when this server heard of it."""
    if is_pending(tx):
        return None, None, None
    return (
        _height(tx),
        hash_of(tx.get("blockHash"), "blockHash"),
        place(tx.get("blockTime"), "blockTime"),
    )


def _height(row: object) -> int:
    return place(fields(row).get("blockHeight"), "blockHeight")


def _party(chain: Chain, side: Mapping[str, object]) -> str | None:
    """Whose output it is. What is no address stands in `addresses` too: the text of an
    OP_RETURN, the keys of a bare multisig."""
    reported = side.get("addresses")
    if side.get("isAddress") is False or not reported:
        return None
    if not isinstance(reported, list) or len(reported) != 1:
        raise RowError("addresses is not a list with one address")
    return folded(chain, text(reported[0], "addresses"))
