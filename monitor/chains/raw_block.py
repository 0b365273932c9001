"""Blocks as nodes of Bitcoin's kind write them, byte for byte. Pure.

Nothing is believed of a block but its hash: the header hashes to it, and all transactions hash to
the root in the header. So one that is cut, changed or read in a wrong way is refused and never
taken for another. Of Bitcoin, Bitcoin Cash, Litecoin (whose blocks may end with one of MWEB) and
Dogecoin (whose header may be followed by another chain's). Zcash and Dash hash in ways of their
own: their nodes have to say what is in a block.

https://en.bitcoin.it/wiki/Protocol_documentation#block, BIP-144,
https://en.bitcoin.it/wiki/Merged_mining_specification#Aux_proof-of-work_block
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

_HEADER = 80  # bytes
_AUXPOW = 0x100  # of a header's version: it may be mined with another chain's
_WITNESS, _MWEB = 1, 8  # parts that a transaction may have besides, by its flag
_LEAST_INPUT, _LEAST_OUTPUT, _LEAST_TX = 41, 9, 10  # bytes
_NOBODY = bytes(32)  # the transaction that a coinbase spends


class RawError(ValueError):
    """These bytes are not the block that they should be; the text says why."""


class RawTx(NamedTuple):
    """One transaction. A coinbase spends nothing."""

    txid: str
    spends: Sequence[str]  # "txid:n", input by input
    values: Sequence[int]  # output by output
    scripts: Sequence[bytes]


class RawBlock(NamedTuple):
    """A block that is whole and the one that was asked for; its first transaction is the
    coinbase."""

    hash: str
    parent: str
    time: int  # Unix seconds
    txs: Sequence[RawTx]


def read_block(data: bytes, block_hash: str) -> RawBlock:
    """The block of this hash. Raises RawError."""
    header = data[:_HEADER]
    if len(header) < _HEADER or _hash(header)[::-1].hex() != block_hash:
        raise RawError("its header does not hash to the block that was asked for")
    try:
        txs = _proven(data, _HEADER)
    except RawError:
        if not header[1] & (_AUXPOW >> 8):
            raise
        txs = _proven(data, _past_auxpow(data))
    return RawBlock(
        block_hash, header[4:36][::-1].hex(), int.from_bytes(header[68:72], "little"), txs
    )


def merkle_root(txids: Sequence[str]) -> str:
    """What a header says of its transactions, from their ids in order. Raises RawError for none,
    and for one that is there twice, with which a longer list has the root of a shorter one:
    https://bitcointalk.org/?topic=102395 (CVE-2012-2459)."""
    if not txids or len(set(txids)) < len(txids):
        raise RawError("it has no transactions, or one of them twice")
    level = [bytes.fromhex(txid)[::-1] for txid in txids]
    while len(level) > 1:
        if len(level) & 1:
            level.append(level[-1])
        level = [_hash(left + right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0][::-1].hex()


def _hash(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def _proven(data: bytes, at: int) -> list[RawTx]:
    """The transactions that begin there, held against the header."""
    try:
        txs = _transactions(data, at)
    except IndexError:
        raise RawError("it is cut short") from None
    if merkle_root([tx.txid for tx in txs]) != data[36:68][::-1].hex():
        raise RawError("its transactions are not those that its header stands for")
    return txs


def _transactions(data: bytes, at: int) -> list[RawTx]:
    count, at = _count(data, at, _LEAST_TX)
    found, more = [], False
    for n in range(count):
        tx, at, more = _transaction(data, at, coinbase=n == 0)
        found.append(tx)
    if at != len(data) and not more:  # only after the last one of MWEB comes its own block
        raise RawError("something follows its transactions")
    return found


def _transaction(data: bytes, start: int, *, coinbase: bool) -> tuple[RawTx, int, bool]:
    """A transaction, where it ends, and whether it is the one that stands for MWEB."""
    flag, at = 0, start + 4
    if data[at] == 0 and data[at + 1] != 0:
        flag, at = data[at + 1], at + 2
        if flag & ~(_WITNESS | _MWEB):
            raise RawError("a transaction has parts that are not known")
    body = at
    spends, at = _inputs(data, at, coinbase=coinbase)
    values, scripts, at = _outputs(data, at)
    end = at
    if flag & _WITNESS:
        for _ in range(len(spends) or 1):
            at = _past_witness(data, at)
    if flag & _MWEB:
        if data[at] != 0:  # in a block they are left to its last part
            raise RawError("a transaction holds some of MWEB, which blocks do not")
        at += 1
    at += 4
    if at > len(data):
        raise IndexError
    told = data[start:at]
    if flag:  # its id leaves out what came to transactions later
        told = told[:4] + data[body:end] + told[-4:]
    return RawTx(_hash(told)[::-1].hex(), spends, values, scripts), at, bool(flag & _MWEB)


def _inputs(data: bytes, at: int, *, coinbase: bool) -> tuple[list[str], int]:
    count, at = _count(data, at, _LEAST_INPUT)
    found = []
    for _ in range(count):
        tx = data[at : at + 32]
        if tx == _NOBODY:
            if not coinbase:
                raise RawError("a coinbase is not its first transaction")
        else:
            n = int.from_bytes(data[at + 32 : at + 36], "little")
            found.append(f"{tx[::-1].hex()}:{n}")
        size = data[at + 36]
        at += 37
        if size >= 0xFD:
            size, at = _count(data, at - 1)
        at += size + 4
    if coinbase and (count != 1 or found):
        raise RawError("its first transaction is not a coinbase")
    return found, at


def _outputs(data: bytes, at: int) -> tuple[list[int], list[bytes], int]:
    count, at = _count(data, at, _LEAST_OUTPUT)
    values, scripts = [], []
    for _ in range(count):
        values.append(int.from_bytes(data[at : at + 8], "little"))
        size = data[at + 8]
        at += 9
        if size >= 0xFD:
            size, at = _count(data, at - 1)
        scripts.append(data[at : at + size])
        at += size
    return values, scripts, at


def _past_witness(data: bytes, at: int) -> int:
    """Of one input."""
    items, at = _count(data, at, 1)
    for _ in range(items):
        size = data[at]
        at += 1
        if size >= 0xFD:
            size, at = _count(data, at - 1)
        at += size
    return at


def _past_auxpow(data: bytes) -> int:
    """Behind another chain's coinbase, its place among that block's transactions and chains, and
    that block's header."""
    try:
        at = _transaction(data, _HEADER, coinbase=True)[1] + 32
        for _ in range(2):
            count, at = _count(data, at, 32)
            at += 32 * count + 4
        return at + _HEADER
    except IndexError:
        raise RawError("it is cut short") from None


def _count(data: bytes, at: int, least: int = 0) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends. `least`: bytes that each of so many things
    has at least, which must be there."""
    first = data[at]
    at += 1
    if first < 0xFD:
        found = first
    else:
        size = 1 << (first - 0xFC)
        found, at = int.from_bytes(data[at : at + size], "little"), at + size
    if found * least > len(data) - at:
        raise IndexError
    return found, at
