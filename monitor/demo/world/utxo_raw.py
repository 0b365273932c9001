"""Transactions and blocks of Bitcoin's kind as bytes, so that who reads a block raw can hold it
against its hash.

A transaction's id is the hash of its bytes: `sealed` gives it the one that it has. Of a ledger in
which all transactions are sealed every block proves itself; one that holds others, whose ids were
made up, has the right header and cannot be held against it.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from monitor.chains import encodings
from monitor.chains.encodings import EncodingError, Script
from monitor.demo.world.moves import Input, Output, UtxoTx

_SCRIPT_HASHES = frozenset({5, 196, 50, 58, 22, 16, 63})  # versions of base58
_VERSION, _BITS = 0x20000000, 0x207FFFFF
_COINBASE = Output(None, 0, "6a", "op_return")


def sealed(tx: UtxoTx) -> UtxoTx:
    """The transaction under the id that it has, with the scripts of its addresses."""
    vin = tuple(
        replace(spent, prevout=spent.prevout and _scripted(spent.prevout)) for spent in tx.vin
    )
    whole = replace(tx, vin=vin, vout=tuple(map(_scripted, tx.vout)))
    return replace(whole, hash=_hash(raw_tx(whole)))


def whole_block(height: int, parent: str, txs: tuple[UtxoTx, ...]) -> tuple[UtxoTx, ...]:
    """With a coinbase, which every block has first, where a script left it out."""
    if txs and txs[0].coinbase:
        return txs
    words = f"{height:08x}{parent[-8:]}"
    made = UtxoTx("", (Input("0" * 64, 0xFFFFFFFF, None, script=words),), (_COINBASE,))
    return (sealed(made), *txs)


def header(parent: str, txids: list[str], time: int, nonce: int) -> bytes:
    """Eighty bytes, which the block's hash is the hash of."""
    root = bytes.fromhex(_merkle(txids))[::-1]
    parts = (_VERSION.to_bytes(4, "little"), bytes.fromhex(parent)[::-1], root)
    return b"".join((*parts, *(n.to_bytes(4, "little") for n in (time, _BITS, nonce))))


def header_hash(raw: bytes) -> str:
    return _hash(raw[:80])


def raw_block(head: bytes, txs: tuple[UtxoTx, ...]) -> bytes:
    return b"".join((head, _count(len(txs)), *map(raw_tx, txs)))


def raw_tx(tx: UtxoTx) -> bytes:
    """Without witnesses, which an id leaves out anyway."""
    parts = [tx.version.to_bytes(4, "little"), _count(len(tx.vin))]
    for spent in tx.vin:
        parts += [bytes.fromhex(spent.txid)[::-1], spent.vout.to_bytes(4, "little")]
        parts += [_sized(bytes.fromhex(spent.script)), spent.sequence.to_bytes(4, "little")]
    parts.append(_count(len(tx.vout)))
    for output in tx.vout:
        parts += [
            output.value.to_bytes(8, "little"),
            _sized(bytes.fromhex(_scripted(output).script)),
        ]
    return b"".join((*parts, tx.locktime.to_bytes(4, "little")))


def script_of(address: str) -> bytes:
    """What pays an address; of what is none its text, in an output that nobody can spend."""
    try:
        if ":" in address:
            kind, digest = encodings.cashaddr(address, address.partition(":")[0])
            return _paying(kind, digest)
        if address.rpartition("1")[0].lower() in ("bc", "tb", "bcrt", "ltc", "rltc"):
            _, version, program = encodings.segwit(address)
            return bytes([version and version + 0x50, len(program)]) + program
        found = encodings.base58check(address)
    except EncodingError:
        return b"\x6a" + _sized(address.encode()[:75])
    old = int.from_bytes(found.version, "big") in _SCRIPT_HASHES
    return _paying(Script.P2SH if old else Script.P2PKH, found.hash)


def _paying(kind: Script, digest: bytes) -> bytes:
    if kind is Script.P2PKH:
        return b"\x76\xa9\x14" + digest + b"\x88\xac"
    return (b"\xa9" if len(digest) == 20 else b"\xaa") + _sized(digest) + b"\x87"


def _scripted(output: Output) -> Output:
    if output.script or output.address is None:
        return output
    return replace(output, script=script_of(output.address).hex())


def _merkle(txids: list[str]) -> str:
    level = [bytes.fromhex(txid)[::-1] for txid in txids]
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [_twice(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0][::-1].hex()


def _hash(data: bytes) -> str:
    return _twice(data)[::-1].hex()


def _twice(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def _sized(data: bytes) -> bytes:
    return _count(len(data)) + data


def _count(number: int) -> bytes:
    if number < 0xFD:
        return bytes([number])
    size, mark = (2, 0xFD) if number < 0x10000 else (4, 0xFE)
    return bytes([mark]) + number.to_bytes(size, "little")
