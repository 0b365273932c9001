"""What the answers of an Esplora come to. Pure.

A transaction is reported whole, with every input and output, so all its legs become transfers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.chains.utxo import UTXO
from monitor.model import Chain, Head, Kind, Lookup, Transfer
from monitor.model.errors import BadResponse, Refused
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
    Block,
    Leg,
    fields_of,
    folded,
    hash_of,
    head_of,
    same,
    transfers_of,
)


def parse_head(block: object, tip: str) -> Head:
    """`/block/{hash}` of the tip. Raises BadResponse."""
    return head_of(block, tip, time="timestamp", name="id")


def parse_lookup(tx: object, source: str, txid: str, head: Head) -> Lookup:
    """`/tx/{txid}`. Raises BadResponse."""
    reported = fields_of(tx)
    try:
        height, block_hash, _ = _block(reported)
        found = same(reported.get("txid"), txid)
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


def outline(row: object) -> tuple[str | None, int | None, int]:
    """Txid, height and number of legs of a row, as far as they can be read."""
    try:
        tx = fields(row)
        txid = hash_of(tx.get("txid"), "txid")
        legs = len(items(tx.get("vin"), "vin")) + len(items(tx.get("vout"), "vout"))
        return txid, _height(row), legs
    except ValueError:
        return None, None, 0


def parse_transactions(chain: Chain, rows: Sequence[object]) -> Parsed:
    """Confirmed transactions to transfers; one that cannot be read is a gap of its block.

    Raises Refused for confidential amounts (Liquid).
    """
    return read_rows(rows, _height, lambda row: parse_transaction(chain, row))


def parse_unconfirmed(chain: Chain, rows: Sequence[object], head: int) -> Parsed:
    """As parse_transactions; what cannot be read is a gap of the head's block, because it
    has none of its own yet."""
    return read_rows(rows, lambda _: head, lambda row: parse_transaction(chain, row))


def parse_transaction(chain: Chain, tx: Mapping[str, object]) -> list[Transfer]:
    """Every leg of one transaction: `in:n` and `out:n`, amounts in base units (satoshi).

    A coinbase input has no sender; its amount is the sum of the outputs: newly created
    coins and the block's fees. There is no row for the fee: it is what the inputs hold
    above the outputs. Scripts without an address (bare keys, OP_RETURN) have no party.
    Raises RowError, Refused.
    """
    txid = hash_of(tx.get("txid"), "txid")
    outputs = [fields(out) for out in _list(tx, "vout")]
    amounts = [_value(out) for out in outputs]
    legs = [
        *_inputs(chain, tx, sum(amounts)),
        *(
            Leg(f"out:{n}", Kind.UTXO_OUT, None, _party(chain, out), amounts[n])
            for n, out in enumerate(outputs)
        ),
    ]
    return transfers_of(chain, txid, _block(tx), legs)


def _inputs(chain: Chain, tx: Mapping[str, object], created: int) -> Iterator[Leg]:
    for n, reported in enumerate(_list(tx, "vin")):
        spent = fields(reported)
        if spent.get("is_coinbase") is True:
            yield Leg(f"in:{n}", Kind.COINBASE, None, None, created)
            continue
        output = fields(spent.get("prevout"))
        spends = f"{hash_of(spent.get('txid'), 'vin.txid')}:{place(spent.get('vout'), 'vin.vout')}"
        yield Leg(f"in:{n}", Kind.UTXO_IN, _party(chain, output), None, _value(output), spends)


def _block(tx: Mapping[str, object]) -> Block:
    """Height, hash and time of the block; all None for an unconfirmed transaction."""
    status = fields(tx.get("status"))
    confirmed = status.get("confirmed")
    if confirmed is False:
        return None, None, None
    if confirmed is not True:
        raise RowError("status.confirmed is neither true nor false")
    return (
        place(status.get("block_height"), "block_height"),
        hash_of(status.get("block_hash"), "block_hash"),
        place(status.get("block_time"), "block_time"),
    )


def _height(row: object) -> int:
    return place(fields(fields(row).get("status")).get("block_height"), "block_height")


def _value(output: Mapping[str, object]) -> int:
    if "asset" in output or "assetcommitment" in output:
        raise Refused(
            "this is a chain with hidden amounts and several assets (Liquid), which is not "
            "supported. Remove it"
        )
    return whole(output.get("value"), "value", UTXO.amount_max)


def _party(chain: Chain, output: Mapping[str, object]) -> str | None:
    reported = output.get("scriptpubkey_address")
    if reported is None:
        return None
    return folded(chain, text(reported, "scriptpubkey_address"))


def _list(tx: Mapping[str, object], name: str) -> list[object]:
    reported = tx.get(name)
    if not isinstance(reported, list) or not reported:
        raise RowError(f"{name} is not a list with entries")
    return reported
