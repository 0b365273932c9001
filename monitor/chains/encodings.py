"""How addresses are written, by the encodings' own rules: base58check, bech32 with segwit's
versions, cashaddr. Which versions and prefixes a chain has is told elsewhere.

A right checksum alone makes no address: the version, the length and the bits that fill it up
are held too. Neither bech32 nor cashaddr notices a `q` too many before a final `p`:
https://github.com/sipa/bech32/issues/51.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import base58

_BASE58 = frozenset(base58.BITCOIN_ALPHABET.decode())
_BASE58_MOST = 112  # characters: extended keys have 111; longer ones would cost time
_HASH = 20  # bytes in every address of base58check
_KEYS = {33: "a private key", 34: "a private key", 78: "an extended key"}

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32, _BECH32M = 1, 0x2BC830A3  # what the checksums of BIP-173 and BIP-350 come to
_BECH32_MOST = 90  # characters of an address
_V0_LENGTHS = (20, 32)  # bytes: a key's hash, a script's hash

_CASHADDR = 1
_CASHADDR_MOST = 412  # letters: 252 bytes, and 8 of checksum
_SIZES = (20, 24, 28, 32, 40, 48, 56, 64)  # bytes of hash, by the last three bits of the type


class EncodingError(ValueError):
    """Why a text encodes no address. `slip`: its checksum fits a typing error all the same."""

    def __init__(self, reason: str, *, slip: bool = False) -> None:
        super().__init__(reason)
        self.slip = slip


class Script(Enum):
    """What a hash in a cashaddr address is the hash of; the value is its type."""

    P2PKH = 0
    P2SH = 1


# Types 2 and 3 say that a wallet understands tokens; the scripts are the same:
# https://github.com/cashtokens/cashtokens#cashaddress-token-support
_SCRIPTS = {0: Script.P2PKH, 1: Script.P2SH, 2: Script.P2PKH, 3: Script.P2SH}


class Base58Check(NamedTuple):
    """What a base58check address encodes."""

    version: bytes  # one; two at Zcash
    hash: bytes


class Segwit(NamedTuple):
    """What a segwit address encodes."""

    hrp: str  # human-readable part, in small letters
    version: int  # 0 to 16
    program: bytes  # 2 to 40


class CashAddr(NamedTuple):
    """What a cashaddr address encodes."""

    script: Script
    hash: bytes


class _Code:
    """A BCH code over groups of five bits, as BIP-173 writes it: one generator a bit."""

    def __init__(self, groups: int, generators: tuple[int, ...]) -> None:
        self.groups = groups
        self._top = 5 * groups - 5
        self._low = (1 << self._top) - 1
        self._feedback = [0]
        for generator in generators:
            self._feedback += [value ^ generator for value in self._feedback]

    def sum(self, values: Iterable[int]) -> int:
        check = 1
        for value in values:
            check = (check & self._low) << 5 ^ value ^ self._feedback[check >> self._top]
        return check

    def checksum(self, values: list[int], wanted: int) -> list[int]:
        """The groups after `values` that make all of them come to `wanted`."""
        check = self.sum([*values, *[0] * self.groups]) ^ wanted
        return [check >> 5 * n & 31 for n in reversed(range(self.groups))]


_CODE6 = _Code(6, (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3))
_CODE8 = _Code(8, (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470))


# -- base58check -----------------------------------------------------------------------------


def base58check(text: str) -> Base58Check:
    """The version and the hash of an address such as 1..., t1... or T..."""
    if not _BASE58.issuperset(text):
        raise EncodingError("holds a character that base58 never uses, as 0, O, I and l")
    if len(text) > _BASE58_MOST:
        raise EncodingError("is longer than any base58 address")
    try:
        payload = base58.b58decode_check(text)
    except ValueError:
        raise EncodingError("has a wrong checksum") from None
    size = len(payload)
    if size not in (_HASH + 1, _HASH + 2):
        other = f", as {_KEYS[size]} does" if size in _KEYS else ""
        raise EncodingError(f"holds {size} bytes{other}; an address holds 21 or 22")
    return Base58Check(payload[:-_HASH], payload[-_HASH:])


def encode_base58check(version: bytes, digest: bytes) -> str:
    """The address of a hash."""
    return base58.b58encode_check(version + digest).decode()


# -- bech32 and segwit -----------------------------------------------------------------------


@lru_cache(maxsize=1000)  # an address is looked at several times on its way
def segwit(text: str) -> Segwit:
    """A segwit address by BIP-173 (version 0, bech32) and BIP-350 (1 and up, bech32m)."""
    hrp, values, found = _bech32(text)
    if not values:
        raise EncodingError("holds nothing", slip=True)
    version = values[0]
    if version > 16:
        raise EncodingError(f"is of version {version}, which does not exist", slip=True)
    if found != (_BECH32 if version == 0 else _BECH32M):
        raise EncodingError("has the checksum of another version of addresses", slip=True)
    program = _packed(values[1:])
    if not 2 <= len(program) <= 40:
        raise EncodingError(f"holds {len(program)} bytes; 2 to 40 are possible", slip=True)
    if version == 0 and len(program) not in _V0_LENGTHS:
        raise EncodingError(f"holds {len(program)} bytes; its kind has 20 or 32", slip=True)
    return Segwit(hrp, version, program)


def encode_segwit(hrp: str, version: int, program: bytes) -> str:
    """The address of a witness program, in small letters."""
    values = [version, *_unpacked(program)]
    wanted = _BECH32 if version == 0 else _BECH32M
    values += _CODE6.checksum([*_expanded(hrp), *values], wanted)
    return f"{hrp}1{_letters(values)}"


def bech32m(text: str) -> tuple[str, bytes]:
    """(human-readable part, bytes) of what has no version, as Zcash's tex1... of ZIP-320."""
    hrp, values, found = _bech32(text)
    if found != _BECH32M:
        raise EncodingError("has the checksum of bech32, not of bech32m", slip=True)
    return hrp, _packed(values)


def _bech32(text: str) -> tuple[str, list[int], int]:
    """(human-readable part, groups of five bits, what they and their checksum come to)."""
    hrp, _, data = _small(text).rpartition("1")
    if not hrp or len(data) < _CODE6.groups or not all(33 <= ord(c) <= 126 for c in hrp):
        raise EncodingError("is not written like a bech32 address")
    if len(text) > _BECH32_MOST:
        raise EncodingError("is longer than any bech32 address")
    values = _values(data)
    found = _CODE6.sum([*_expanded(hrp), *values])
    if found not in (_BECH32, _BECH32M):
        raise EncodingError("has a wrong checksum")
    return hrp, values[: -_CODE6.groups], found


def _expanded(hrp: str) -> list[int]:
    return [*(ord(c) >> 5 for c in hrp), 0, *(ord(c) & 31 for c in hrp)]


# -- cashaddr --------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def cashaddr(text: str, prefix: str) -> CashAddr:
    """An address of Bitcoin Cash's form, whose prefix may be left out: the checksum holds it.

    https://github.com/bitcoincashorg/bitcoincash.org/blob/master/spec/cashaddr.md
    """
    written, colon, data = _small(text).rpartition(":")
    if colon and written != prefix:
        raise EncodingError(f"has another prefix than {prefix}")
    if not _CODE8.groups <= len(data) <= _CASHADDR_MOST:
        raise EncodingError("is not written like a cashaddr address")
    values = _values(data)
    if _CODE8.sum([*_prefixed(prefix), *values]) != _CASHADDR:
        raise EncodingError("has a wrong checksum")
    return _hashed(_packed(values[: -_CODE8.groups]))


def encode_cashaddr(prefix: str, script: Script, digest: bytes) -> str:
    """The address of a hash with its prefix, in small letters."""
    kind = script.value << 3 | _SIZES.index(len(digest))
    values = _unpacked(bytes([kind]) + digest)
    values += _CODE8.checksum([*_prefixed(prefix), *values], _CASHADDR)
    return f"{prefix}:{_letters(values)}"


def _hashed(payload: bytes) -> CashAddr:
    """The byte of the type, of which the first bit is reserved, and the hash."""
    if not payload:
        raise EncodingError("holds nothing", slip=True)
    kind, size = payload[0] >> 3, _SIZES[payload[0] & 7]
    if kind not in _SCRIPTS:
        raise EncodingError(f"is of type {kind}, which does not exist", slip=True)
    if len(payload) != size + 1:
        reason = f"holds a hash of {len(payload) - 1} bytes and says that it has {size}"
        raise EncodingError(reason, slip=True)
    return CashAddr(_SCRIPTS[kind], payload[1:])


def _prefixed(prefix: str) -> list[int]:
    return [*(ord(c) & 31 for c in prefix), 0]


# -- what bech32 and cashaddr share ----------------------------------------------------------


def _small(text: str) -> str:
    """In small letters; both may be written in capitals, as QR codes are."""
    if not text.isascii():
        raise EncodingError("holds a character that only looks like a letter or digit")
    if text not in (text.lower(), text.upper()):
        raise EncodingError("mixes capitals and small letters")
    return text.lower()


def _values(letters: str) -> list[int]:
    if not set(letters).issubset(_CHARSET):
        raise EncodingError("holds a character that such addresses never use, as 1, b, i and o")
    return [_CHARSET.index(c) for c in letters]


def _letters(values: list[int]) -> str:
    return "".join(_CHARSET[value] for value in values)


def _packed(values: list[int]) -> bytes:
    """The bytes in groups of five bits, of which the last may be filled up with zeros."""
    number = 0
    for value in values:
        number = number << 5 | value
    size, spare = divmod(5 * len(values), 8)
    if spare > 4 or number & ((1 << spare) - 1):
        raise EncodingError("holds bits that belong to nothing", slip=True)
    return (number >> spare).to_bytes(size, "big")


def _unpacked(data: bytes) -> list[int]:
    """Groups of five bits, the last one filled up with zeros."""
    groups = -(-8 * len(data) // 5)
    number = int.from_bytes(data, "big") << (5 * groups - 8 * len(data))
    return [number >> 5 * n & 31 for n in reversed(range(groups))]
