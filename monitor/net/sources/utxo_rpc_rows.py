"""What the answers of a node of Bitcoin Core's kind come to. Pure.

Whose an output is is worked out of its script: how nodes call it (`address`, `addresses`, the
address of a bare key's hash) differs by their age.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from monitor.chains.payees import Payees
from monitor.chains.raw_block import RawError, merkle_root
from monitor.chains.utxo import UTXO
from monitor.model import Chain, Head, Kind, Lookup, Transfer
from monitor.model.errors import BadResponse
from monitor.net.sources.parsing import RowError, fields, items, place, shown
from monitor.net.sources.utxo_legs import (
    Block,
    Leg,
    fields_of,
    hash_of,
    head_of,
    same,
    transfers_of,
)

_GENESIS_PARENT = "0" * 64
_LONGEST = 40  # digits of an amount


class Paid(NamedTuple):
    """An output: what it holds, and its script."""

    value: int
    script: bytes


class Spent(NamedTuple):
    """An input: "txid:n" of the output that it spends, and that, where the node tells it."""

    output: str
    paid: Paid | None


class Tx(NamedTuple):
    """One transaction; of shielded parts, or those of MWEB, nothing. No inputs: none that are
    seen, or a coinbase's."""

    txid: str
    coinbase: bool
    spends: Sequence[Spent]
    pays: Sequence[Paid]


class Outline(NamedTuple):
    """What a transaction is matched by: which outputs it spends, and scripts of those, where the
    node tells them, and of its own."""

    spends: Sequence[str]
    spent: Sequence[bytes | None]
    pays: Sequence[bytes]


class JsonBlock(NamedTuple):
    """A block whose transactions are those that its header stands for."""

    parent: str
    time: int
    txids: Sequence[str]
    rows: Sequence[Mapping[str, object]]


def parse_head(reported: object, tip: str) -> Head:
    """`getblockheader` of the tip. Raises BadResponse."""
    return head_of(reported, tip, time="time", name="hash")


def parse_hash(reported: object) -> str:
    """Raises BadResponse."""
    try:
        return hash_of(reported, "the answer")
    except RowError as error:
        raise BadResponse(str(error)) from None


def parse_lookup(tx: object, header: object, source: str, txid: str, head: Head) -> Lookup:
    """`getrawtransaction`, and the header of the block that it names (None: it names none).
    Raises BadResponse."""
    try:
        found = same(fields(tx).get("txid"), txid)
        if header is None:
            return Lookup(source, found, found=True, head=head)
        block = same(fields(header).get("hash"), hash_of(fields(tx).get("blockhash"), "blockhash"))
        height = place(fields(header).get("height"), "height")
        if fields(header).get("confirmations") in (-1, 0):  # its block was replaced
            return Lookup(source, found, found=False, head=head)
    except RowError as error:
        raise BadResponse(f"a transaction cannot be read: {error}") from None
    return Lookup(source, found, found=True, height=height, block_hash=block, head=head)


def parse_block(reported: object, height: int, block_hash: str) -> JsonBlock:
    """`getblock` with all transactions in it. Raises BadResponse."""
    block = fields_of(reported)
    try:
        same(block.get("hash"), block_hash)
        same(block.get("height"), height)
        txs = [fields(row) for row in items(block.get("tx"), "tx")]
        same(block.get("nTx", len(txs)), len(txs))
        txids = [hash_of(tx.get("txid"), "txid") for tx in txs]
        same(block.get("merkleroot"), merkle_root(txids))
        parent = hash_of(block.get("previousblockhash", _GENESIS_PARENT), "previousblockhash")
        return JsonBlock(parent, place(block.get("time"), "time"), txids, txs)
    except (RowError, RawError) as error:
        raise BadResponse(f"block {height} cannot be read: {error}") from None


def outline(tx: Mapping[str, object]) -> Outline:
    """Raises RowError."""
    inputs = _listed(tx, "vin")
    if inputs and "coinbase" in inputs[0]:
        inputs = ()
    before = [each.get("prevout") for each in inputs]
    return Outline(
        [output_in(each) for each in inputs],
        [None if each is None else _script(fields(each)) for each in before],
        [_script(each) for each in _listed(tx, "vout")],
    )


def parse_tx(chain: Chain, tx: Mapping[str, object]) -> Tx:
    """Raises RowError."""
    inputs = _listed(tx, "vin")
    coinbase = bool(inputs) and "coinbase" in inputs[0]
    spends = [] if coinbase else [_spent(chain, each) for each in inputs]
    return Tx(hash_of(tx.get("txid"), "txid"), coinbase, spends, parse_outputs(chain, tx))


def parse_outputs(chain: Chain, tx: Mapping[str, object]) -> list[Paid]:
    """Raises RowError."""
    outputs = _listed(tx, "vout")
    if any(each.get("n", n) != n for n, each in enumerate(outputs)):
        raise RowError("vout is not complete or not in order")
    return [paid_of(chain, each) for each in outputs]


def paid_of(chain: Chain, output: Mapping[str, object]) -> Paid:
    """Raises RowError."""
    return Paid(amount(output.get("value"), chain), _script(output))


def amount(value: object, chain: Chain) -> int:
    """Coins as a JSON number, which was read digit by digit, in base units. Raises RowError."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise RowError(f"an amount is not a number: {shown(value)}")
    sign, digits, exponent = value.as_tuple()
    places = int(exponent) + chain.decimals
    if sign and any(digits):
        raise RowError(f"an amount is negative: {value}")
    if not 0 <= places <= _LONGEST or len(digits) > _LONGEST:
        raise RowError("an amount has more places than there are")
    found = int("".join(map(str, digits)) + "0" * places)
    if found > UTXO.amount_max:
        raise RowError(f"an amount is out of range: {value}")
    return found


def legs_of(
    chain: Chain, payees: Payees, tx: Tx, spent: Mapping[str, Paid], block: Block
) -> list[Transfer]:
    """Every leg of one transaction, as the lists of explorers have them. `spent`: the outputs
    that it spends. Raises RowError where one of them is missing."""
    return transfers_of(chain, tx.txid, block, list(_legs(payees, tx, spent)))


def _legs(payees: Payees, tx: Tx, spent: Mapping[str, Paid]) -> Iterator[Leg]:
    if tx.coinbase:
        created = sum(paid.value for paid in tx.pays)
        yield Leg("in:0", Kind.COINBASE, None, None, created)
    for n, (output, _) in enumerate(tx.spends):
        paid = spent.get(output)
        if paid is None:
            raise RowError("what an input spends is not told")
        party = payees.address(paid.script)
        yield Leg(f"in:{n}", Kind.UTXO_IN, party, None, paid.value, output)
    for n, paid in enumerate(tx.pays):
        yield Leg(f"out:{n}", Kind.UTXO_OUT, None, payees.address(paid.script), paid.value)


def _spent(chain: Chain, reported: Mapping[str, object]) -> Spent:
    prevout = reported.get("prevout")
    return Spent(output_in(reported), None if prevout is None else paid_of(chain, fields(prevout)))


def output_in(spent: Mapping[str, object]) -> str:
    """Of an output, as "txid:n". Raises RowError."""
    return f"{hash_of(spent.get('txid'), 'vin.txid')}:{place(spent.get('vout'), 'vin.vout')}"


def _script(output: Mapping[str, object]) -> bytes:
    return script_in(fields(output.get("scriptPubKey")).get("hex"), "scriptPubKey.hex")


def script_in(written: object, field: str) -> bytes:
    """A script in hex. Raises RowError."""
    try:
        return bytes.fromhex(written)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise RowError(f"{field} is not hex: {shown(written)}") from None


def _listed(tx: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    """The inputs or outputs, without those of Litecoin's MWEB, which nobody sees."""
    reported = tx.get(name)
    if not isinstance(reported, list):
        raise RowError(f"{name} is not a list")
    return [each for each in map(fields, reported) if each.get("ismweb") is not True]
