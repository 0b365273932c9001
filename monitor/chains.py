"""The chain table's address rules: one canonical form per address and chain.

EVM: lower-case hex with 0x. UTXO: base58 as written, bech32 in lower case. Tron: base58
("T..."), also when given as hex "41..." or "0x...". Two texts are the same address if and
only if their canonical forms are equal.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import base58
from eth_utils.address import is_checksum_address, to_checksum_address

from monitor.model import Chain

_HEX20 = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_TRON_HEX = re.compile(r"(?:41|0x41|0x)?([0-9a-fA-F]{40})\Z")
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class AddressError(ValueError):
    """Not an address of this chain: `reason` and `remedy` are for the person who wrote it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@lru_cache(maxsize=20_000)  # checksums cost more than all else that is done with a row
def canonical(chain: Chain, text: str) -> str:
    """The canonical form of an address that a person or a source wrote.

    Raises AddressError when it is no address of this chain or its checksum is wrong.
    """
    if not text.isascii():
        raise AddressError(
            "holds a character that only looks like a letter or digit",
            "Copy the address again from its source",
        )
    return _CANONICAL[chain.family](chain, text.strip())


def display(chain: Chain, address: str) -> str:
    """The form that people see: EIP-55 capitals on EVM chains, canonical elsewhere."""
    return to_checksum_address(address) if chain.family == "evm" else address


def _evm(chain: Chain, text: str) -> str:
    if not _HEX20.match(text):
        raise AddressError(
            f"is not an address of {chain.name} (0x and 40 characters 0-9, a-f)",
            _wrong_chain_hint(text),
        )
    digits = text[2:]
    mixed = digits != digits.lower() and digits != digits.upper()
    if mixed and not is_checksum_address(text):
        raise AddressError(
            "has a letter in the wrong case (its checksum does not fit)",
            "Copy the address again from its source",
        )
    return text.lower()


def _utxo(chain: Chain, text: str) -> str:
    lowered = text.lower()
    hrp = lowered.rpartition("1")[0]
    looks_bech32 = bool(hrp) and (lowered.startswith("bc1") or hrp == chain.bech32)
    if not looks_bech32:
        problem = _base58_problem(chain, text)
        if problem is None:
            return text
        if chain.bech32 is not None or not _bech32_ok(text):
            raise problem
    if text not in (lowered, text.upper()):
        raise AddressError(
            "mixes capitals and small letters", "Copy the address again from its source"
        )
    if not _bech32_ok(text):
        raise AddressError("has a wrong checksum", "Copy the address again from its source")
    if chain.bech32 is not None and hrp != chain.bech32:
        raise AddressError(f"is not an address of {chain.name}", _wrong_chain_hint(text))
    return lowered


def _base58_problem(chain: Chain, text: str) -> AddressError | None:
    try:
        payload = base58.b58decode_check(text)
    except ValueError:
        return AddressError(
            f"is not an address of {chain.name}, or its checksum is wrong",
            _wrong_chain_hint(text),
        )
    wrong_version = bool(chain.base58) and payload[0] not in chain.base58
    if len(payload) != 21 or wrong_version:
        return AddressError(f"is not an address of {chain.name}", _wrong_chain_hint(text))
    return None


def _tron(chain: Chain, text: str) -> str:
    hexed = _TRON_HEX.match(text)
    if hexed:
        return base58.b58encode_check(b"\x41" + bytes.fromhex(hexed[1])).decode()
    try:
        payload = base58.b58decode_check(text)
    except ValueError:
        payload = b""
    if len(payload) != 21 or payload[0] != 0x41:
        raise AddressError(
            f"is not an address of {chain.name} (T and 33 characters), or its checksum is wrong",
            _wrong_chain_hint(text),
        )
    return text


_CANONICAL = {"evm": _evm, "utxo": _utxo, "tron": _tron}


def _wrong_chain_hint(text: str) -> str:
    """Name the family that the text does fit, if any: the commonest mistake is the chain."""
    if _HEX20.match(text):
        return "It looks like an address of Ethereum or a chain of its kind: correct the chain"
    if re.match(r"T[1-9A-HJ-NP-Za-km-z]{33}\Z", text):
        return "It looks like a Tron address: correct the chain"
    if re.match(r"(bc1[0-9a-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34})\Z", text):
        return "It looks like a Bitcoin address: correct the chain"
    return "Copy the address again from its source"


def _bech32_ok(text: str) -> bool:
    """Checksum of a segwit address, BIP-173 (version 0) and BIP-350 (version 1 and up)."""
    hrp, _, data = text.lower().rpartition("1")
    if not hrp or len(data) < 8 or any(c not in _BECH32 for c in data):
        return False
    values = [_BECH32.index(c) for c in data]
    expanded = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
    constant = 1 if values[0] == 0 else 0x2BC830A3
    return _bech32_polymod(expanded + values) == constant


def _bech32_polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            check ^= generator if (top >> bit) & 1 else 0
    return check


def stable_id(prefix: str, *parts: str) -> str:
    """A short name made from what it names: the same parts give the same id for ever.

    60 bits in Crockford's base 32, in groups that can be read over the telephone.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).digest()
    number = int.from_bytes(digest[:8], "big") >> 4
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    text = "".join(alphabet[(number >> shift) & 31] for shift in range(55, -1, -5))
    return f"{prefix}-{text[:4]}-{text[4:8]}-{text[8:]}"
