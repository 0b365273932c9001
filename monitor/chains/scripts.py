"""What addresses of UTXO chains stand for: scripts, and the public keys behind some of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import base58
from Crypto.Hash import RIPEMD160

from monitor.chains import encodings
from monitor.model import Chain

_KEY = re.compile(r"(?:0[23][0-9a-fA-F]{64}|04[0-9a-fA-F]{128})\Z")
_FIELD = 2**256 - 2**32 - 977  # of secp256k1: y^2 = x^3 + 7

# The same script under two version bytes: old -> the one that explorers write today. Litecoin
# and DigiByte changed theirs because Bitcoin's scripts begin alike.
_RESPELT: Mapping[str, tuple[int, int]] = {
    "ltc": (5, 50),
    "tltc": (196, 58),
    "rltc": (196, 58),
    "dgb": (5, 63),
}
ANCHOR = bytes.fromhex("4e73")  # pay-to-anchor, a program of version 1
_TRUE = b"\x51"  # the script that is always satisfied


def respelt(chain: Chain) -> Mapping[int, int]:
    """Version bytes of base58 that stand for the same script as another: old -> new."""
    known = chain.base58
    by_hrp = _RESPELT.get(chain.bech32 or "")
    pairs = {p for p in _RESPELT.values() if p == by_hrp or set(p) <= set(known)}
    return {old: new for old, new in pairs if not known or old in known or new in known}


def versions(chain: Chain) -> frozenset[int]:
    """Every version byte that an address of the chain may have; none: any."""
    pairs = respelt(chain)
    return frozenset({*chain.base58, *pairs, *pairs.values()}) if chain.base58 else frozenset()


def as_written_today(chain: Chain, text: str, payload: bytes) -> str:
    """The one spelling of a base58 address; `payload` is what it encodes."""
    new = respelt(chain).get(payload[0])
    return text if new is None else base58.b58encode_check(bytes([new]) + payload[1:]).decode()


def hash160(data: bytes) -> bytes:
    return RIPEMD160.new(hashlib.sha256(data).digest()).digest()


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
        first = bytes([chain.base58[0]])
        found += [base58.b58encode_check(first + hash160(key)).decode() for key in keys]
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
    version, program = _decoded(address)
    if version == 1 and program == ANCHOR:
        return "is the address of pay-to-anchor outputs, which anybody may spend"
    scripts = (hash160(_TRUE), hashlib.sha256(_TRUE).digest())
    if program in scripts and version in (0, None):
        return "is the address of a script that anybody may spend from"
    empty = (hash160(b""), hashlib.sha256(b"").digest())
    if program in empty or (program and not any(program)):
        return "is an address that nobody has a key to: strangers pay it, and what comes stays"
    return ""


def _decoded(address: str) -> tuple[int | None, bytes]:
    """(segwit version or None, program or hash)."""
    try:
        _, version, program = encodings.segwit(address)
    except encodings.EncodingError:
        return None, base58.b58decode_check(address)[1:]
    return version, program
