"""Segwit addresses: BIP-173 (version 0, bech32) and BIP-350 (version 1 and up, bech32m).

A right checksum alone makes no address: the version, the length of the program and the bits
that fill it up are held too. bech32 does not notice a `q` too many before a final `p`.
"""

from __future__ import annotations

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32, _BECH32M = 1, 0x2BC830A3
MOST = 90  # characters of an address
V0_LENGTHS = (20, 32)  # bytes: a key's hash, a script's hash


class SegwitError(ValueError):
    """Why a text is no segwit address. `slip`: its checksum is right all the same."""

    def __init__(self, reason: str, *, slip: bool = False) -> None:
        super().__init__(reason)
        self.slip = slip


def decode(text: str) -> tuple[str, int, bytes]:
    """(human-readable part in small letters, version 0 to 16, program of 2 to 40 bytes)."""
    if text not in (text.lower(), text.upper()):
        raise SegwitError("mixes capitals and small letters")
    hrp, separator, data = text.lower().rpartition("1")
    if not separator or not hrp or len(data) < 7 or any(c not in _CHARSET for c in data):
        raise SegwitError("is not written like a segwit address")
    if len(text) > MOST or not all(33 <= ord(c) <= 126 for c in hrp):
        raise SegwitError("is longer than any segwit address")
    values = [_CHARSET.index(c) for c in data]
    found = _polymod([*_expanded(hrp), *values])
    if found not in (_BECH32, _BECH32M):
        raise SegwitError("has a wrong checksum")
    return (hrp, *_program(values[:-6], found))


def encode(hrp: str, version: int, program: bytes) -> str:
    """The address of a witness program, in small letters."""
    values = [version, *_regroup(list(program), 8, 5)]
    constant = _BECH32 if version == 0 else _BECH32M
    check = _polymod([*_expanded(hrp), *values, *[0] * 6]) ^ constant
    values += [check >> 5 * (5 - n) & 31 for n in range(6)]
    return f"{hrp}1{''.join(_CHARSET[v] for v in values)}"


def _program(values: list[int], found: int) -> tuple[int, bytes]:
    if not values:
        raise SegwitError("holds nothing", slip=True)
    version, rest = values[0], values[1:]
    if version > 16:
        raise SegwitError(f"is of version {version}, which does not exist", slip=True)
    if found != (_BECH32 if version == 0 else _BECH32M):
        raise SegwitError("has the checksum of another version of addresses", slip=True)
    spare = len(rest) * 5 % 8
    if spare > 4 or (rest and rest[-1] & ((1 << spare) - 1)):
        raise SegwitError("holds bits that belong to nothing", slip=True)
    program = bytes(_regroup(rest, 5, 8)[: len(rest) * 5 // 8])
    if not 2 <= len(program) <= 40:
        raise SegwitError(f"holds {len(program)} bytes; 2 to 40 are possible", slip=True)
    if version == 0 and len(program) not in V0_LENGTHS:
        raise SegwitError(f"holds {len(program)} bytes; its kind has 20 or 32", slip=True)
    return version, program


def _regroup(values: list[int], bits: int, wanted: int) -> list[int]:
    """The same bits in groups of another size; the last one is filled up with zeros."""
    number, size = 0, 0
    found = []
    for value in values:
        number, size = (number << bits | value) & 0xFFFFF, size + bits
        while size >= wanted:
            size -= wanted
            found.append(number >> size & ((1 << wanted) - 1))
    if size:
        found.append(number << (wanted - size) & ((1 << wanted) - 1))
    return found


def _expanded(hrp: str) -> list[int]:
    return [*(ord(c) >> 5 for c in hrp), 0, *(ord(c) & 31 for c in hrp)]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if (top >> bit) & 1 else 0
    return check
