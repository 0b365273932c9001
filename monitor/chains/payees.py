"""Whose an output is: the address that a script stands for, as explorers write it. Pure."""

from __future__ import annotations

from functools import lru_cache

from monitor.chains import encodings, scripts
from monitor.chains.encodings import Script
from monitor.model import Chain

_P2PKH, _P2PKH_END = b"\x76\xa9\x14", b"\x88\xac"  # DUP HASH160 20 bytes; EQUALVERIFY CHECKSIG
_P2SH, _P2SH32, _EQUAL = b"\xa9\x14", b"\xaa\x20", b"\x87"
_OP_0 = 0x50  # and a number: what pushes it, from 1 to 16
_TOKENS = 0xEF  # before a script of Bitcoin Cash: what tokens the output holds
_COMMITS, _COUNTED = 0x40, 0x10  # of the byte that says which parts that has
_LONGEST = 300  # bytes of a script that has an address, with all that tokens add
# Scripts: those that are paid again and again, and those that waited in the mempool and are in a
# block now.
_REMEMBERED = 50_000


class Payees:
    """Of one chain; safe for threads."""

    def __init__(self, chain: Chain) -> None:
        self._bech32, self._cashaddr = chain.bech32, chain.cashaddr
        self._versions = tuple(map(scripts.version, chain.base58))
        # A block of Bitcoin's has six thousand outputs, of which each takes about ten microseconds.
        self._known = lru_cache(_REMEMBERED)(self._address)

    def address(self, script: bytes) -> str | None:
        """None where it stands for none: a bare key, bare multisig, data."""
        return self._known(script) if len(script) <= _LONGEST else None

    def _address(self, script: bytes) -> str | None:
        if self._cashaddr and len(script) > 34 and script[0] == _TOKENS:
            script = _without_tokens(script)
        size = len(script)
        if size == 25 and script[:3] == _P2PKH and script[23:] == _P2PKH_END:
            return self._hashed(Script.P2PKH, script[3:23])
        if size == 23 and script[:2] == _P2SH and script[22:] == _EQUAL:
            return self._hashed(Script.P2SH, script[2:22])
        if self._cashaddr and size == 35 and script[:2] == _P2SH32 and script[34:] == _EQUAL:
            return self._hashed(Script.P2SH, script[2:34])
        if self._bech32 and 4 <= size <= 42 and script[1] == size - 2:
            return _witness(self._bech32, script)
        return None

    def _hashed(self, kind: Script, digest: bytes) -> str | None:
        if self._cashaddr:
            return encodings.encode_cashaddr(self._cashaddr, kind, digest)
        if not self._versions:
            return None
        version = self._versions[0 if kind is Script.P2PKH else -1]
        return encodings.encode_base58check(version, digest)


def _witness(hrp: str, script: bytes) -> str | None:
    """A program of version 0 to 16."""
    if script[0] == 0 and len(script) in (22, 34):
        return encodings.encode_segwit(hrp, 0, script[2:])
    if 1 <= script[0] - _OP_0 <= 16:
        return encodings.encode_segwit(hrp, script[0] - _OP_0, script[2:])
    return None


def _without_tokens(script: bytes) -> bytes:
    """https://github.com/cashtokens/cashtokens#token-prefix; nothing where it cannot be read."""
    try:
        parts, at = script[33], 34
        if parts & _COMMITS:
            size, at = _number(script, at)
            at += size
        if parts & _COUNTED:
            at = _number(script, at)[1]
        return script[at:]
    except IndexError:
        return b""


def _number(script: bytes, at: int) -> tuple[int, int]:
    """Of one to nine bytes, and where it ends."""
    first = script[at]
    if first < 0xFD:
        return first, at + 1
    size = 1 << (first - 0xFC)
    return int.from_bytes(script[at + 1 : at + 1 + size], "little"), at + 1 + size
