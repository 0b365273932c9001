"""What addresses of UTXO chains stand for: scripts, and the public keys behind some of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache, lru_cache

from monitor.chains import encodings
from monitor.chains.encodings import Base58Check
from monitor.model import Chain

_KEY = re.compile(r"(?:0[23][0-9a-fA-F]{64}|04[0-9a-fA-F]{128})\Z")
_FIELD = 2**256 - 2**32 - 977  # of secp256k1: y^2 = x^3 + 7

# The same script under two version bytes: old -> the one that explorers write today. Litecoin
# and DigiByte changed theirs because Bitcoin's scripts begin alike.
_RESPELT: Mapping[str, tuple[tuple[int, int], ...]] = {
    "ltc": ((5, 50),),
    "tltc": ((196, 58),),
    "rltc": ((196, 58),),
    "dgb": ((5, 63),),
    # C... and H... of some wallets, before cashaddr: https://github.com/bitpay/bitcore-lib-cash
    "bitcoincash": ((28, 0), (40, 5)),
}
_TRUE = b"\x51"  # the script that is always satisfied
ANCHOR = bytes.fromhex("4e73")  # pay-to-anchor, a program of version 1


def version(number: int) -> bytes:
    """A version of base58 addresses as config/chains.yaml has it: one byte, two at Zcash."""
    return number.to_bytes(1 if number < 256 else 2, "big")


def respelt(chain: Chain) -> Mapping[bytes, bytes]:
    """Versions of base58 that stand for the same script as another: old -> new."""
    return _respelt(chain.base58, chain.bech32, chain.cashaddr)


def versions(chain: Chain) -> frozenset[bytes]:
    """Every version that a base58 address of the chain may have; none: any."""
    return _versions(chain.base58, chain.bech32, chain.cashaddr)


# By what they depend on: a chain has many fields, and each is hashed for a cache.
@lru_cache(maxsize=200)
def _respelt(known: tuple[int, ...], bech32: str | None, cashaddr: str) -> dict[bytes, bytes]:
    by_name = {p for name in (bech32, cashaddr) for p in _RESPELT.get(name or "", ())}
    listed = {p for pairs in _RESPELT.values() for p in pairs if set(p) <= set(known)}
    pairs = by_name | listed
    usable = [(old, new) for old, new in pairs if not known or old in known or new in known]
    return {version(old): version(new) for old, new in usable}


@lru_cache(maxsize=200)
def _versions(known: tuple[int, ...], bech32: str | None, cashaddr: str) -> frozenset[bytes]:
    pairs = _respelt(known, bech32, cashaddr)
    return frozenset({*map(version, known), *pairs, *pairs.values()}) if known else frozenset()


def hash160(data: bytes) -> bytes:
    from Crypto.Hash import RIPEMD160  # noqa: PLC0415 - loads slowly, and few commands need it

    return RIPEMD160.new(hashlib.sha256(data).digest()).digest()


@cache
def _hashes(script: bytes) -> tuple[bytes, bytes]:
    """What addresses of a script hold: of 20 bytes, and of segwit."""
    return hash160(script), hashlib.sha256(script).digest()


def is_public_key(text: str) -> bool:
    """33 or 65 bytes in hex, as a public key of secp256k1 is written."""
    return _KEY.match(text) is not None


def addresses_of_key(chain: Chain, text: str) -> tuple[str, ...]:
    """The addresses that a public key's owner can spend from, the usual ones first. Empty where
    it is no point of the curve or the chain's forms are not known."""
    short, long = _both_forms(bytes.fromhex(text))
    if not short:
        return ()
    found = []
    if chain.bech32:
        found.append(encodings.encode_segwit(chain.bech32, 0, hash160(short)))
    if chain.base58:
        keys = (short, long) if text.startswith("04") else (short,)
        first = version(chain.base58[0])
        found += [encodings.encode_base58check(first, hash160(key)) for key in keys]
    return tuple(found)


def _both_forms(key: bytes) -> tuple[bytes, bytes]:
    """A public key in 33 bytes and, where it is given so, in 65."""
    x = int.from_bytes(key[1:33], "big")
    square = (pow(x, 3, _FIELD) + 7) % _FIELD
    if len(key) == 33:
        root = pow(square, (_FIELD + 1) // 4, _FIELD)
        return (key if x < _FIELD and root * root % _FIELD == square else b""), b""
    y = int.from_bytes(key[33:], "big")
    if x >= _FIELD or y * y % _FIELD != square:
        return b"", b""
    return bytes([2 + (y & 1)]) + key[1:33], key


def anybodys(address: str) -> str:
    """Why the output of a canonical address belongs to nobody in particular, or empty."""
    segwit, program = decoded(address)
    if segwit == 1 and program == ANCHOR:
        return "is the address of pay-to-anchor outputs, which anybody may spend"
    if program in _hashes(_TRUE) and segwit in (0, None):
        return "is the address of a script that anybody may spend from"
    if program in _hashes(b"") or (program and not any(program)):
        return "is an address that nobody has a key to: strangers pay it, and what comes stays"
    return ""


@lru_cache(maxsize=1000)
def decoded(address: str) -> tuple[int | None, bytes]:
    """(segwit version or None, program or hash) of a canonical address."""
    prefix, colon, _ = address.partition(":")
    if colon:
        return None, encodings.cashaddr(address, prefix).hash
    found = of_base58(address)
    return encodings.segwit(address)[1:] if found is None else (None, found.hash)


@lru_cache(maxsize=1000)  # each chain of a table is asked about the same text
def of_base58(text: str) -> Base58Check | None:
    """What a base58 address encodes; None for what is none."""
    try:
        return encodings.base58check(text)
    except encodings.EncodingError:
        return None
