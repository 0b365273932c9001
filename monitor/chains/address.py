"""The chain table's address rules: one canonical form per address and chain.

EVM: lower-case hex with 0x. UTXO: bech32 in lower case, base58 as explorers write it today
(a Litecoin script that was written 3... is written M...). Tron: base58 ("T..."), also when
given as hex "41..." or "0x...". Two texts are the same address if and only if their canonical
forms are equal.
"""

from __future__ import annotations

import re
from functools import lru_cache

import base58
from Crypto.Hash import keccak

from monitor.chains import encodings, scripts
from monitor.model import Chain

_HEX20 = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_XDC = (50, 51)  # chain ids of the network that writes xdc instead of 0x
_TRON_HEX = re.compile(r"(?:41|0x41|0x)?([0-9a-fA-F]{40})\Z")
_AGAIN = "Copy the address again from its source"
_SLIP = (
    "Its checksum fits all the same: a letter was added or left out in typing (a q before the "
    "last p, for example). Copy the address again from its source"
)


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
            _AGAIN,
        )
    return _CANONICAL[chain.family](chain, text.strip())


def display(chain: Chain, address: str) -> str:
    """The form that people see: EIP-55 capitals on EVM chains, canonical elsewhere."""
    return checksummed(address) if chain.family == "evm" else address


@lru_cache(maxsize=20_000)
def checksummed(address: str) -> str:
    """An EVM address with the capitals that guard it against slips: https://eips.ethereum.org/
    EIPS/eip-55. Our own, for the library's takes a fifth of a second to load."""
    digits = address[2:].lower()
    reported = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    shown = (
        c.upper() if int(mark, 16) > 7 else c for c, mark in zip(digits, reported, strict=False)
    )
    return f"0x{''.join(shown)}"


def _evm(chain: Chain, text: str) -> str:
    if text[:3].lower() == "xdc" and chain.chain_id in _XDC:
        text = f"0x{text[3:]}"
    elif text.startswith("0X"):
        text = f"0x{text[2:]}"
    if not _HEX20.match(text):
        raise AddressError(
            f"is not an address of {chain.name} (0x and 40 characters 0-9, a-f)",
            _wrong_chain_hint(text),
        )
    digits = text[2:]
    mixed = digits != digits.lower() and digits != digits.upper()
    if mixed and text != checksummed(text):
        raise AddressError(
            "has a letter in the wrong case (its checksum does not fit)",
            _AGAIN,
        )
    return text.lower()


def _utxo(chain: Chain, text: str) -> str:
    if scripts.is_public_key(text):
        raise AddressError("is a public key, not an address", _of_key(chain, text))
    lowered = text.lower()
    hrp = lowered.rpartition("1")[0]
    looks_segwit = bool(hrp) and (lowered.startswith("bc1") or hrp == chain.bech32)
    if not looks_segwit:
        try:
            return _base58(chain, text)
        except AddressError:
            if chain.bech32 is not None or not _is_segwit(text):
                raise
    try:
        hrp = encodings.segwit(text).hrp
    except encodings.EncodingError as error:
        raise AddressError(str(error), _SLIP if error.slip else _AGAIN) from None
    if chain.bech32 is not None and hrp != chain.bech32:
        raise AddressError(f"is not an address of {chain.name}", _wrong_chain_hint(text))
    return lowered


def _base58(chain: Chain, text: str) -> str:
    try:
        payload = base58.b58decode_check(text)
    except ValueError:
        raise AddressError(
            f"is not an address of {chain.name}, or its checksum is wrong",
            _wrong_chain_hint(text),
        ) from None
    allowed = scripts.versions(chain)
    if len(payload) != 21 or (allowed and payload[0] not in allowed):
        raise AddressError(f"is not an address of {chain.name}", _wrong_chain_hint(text))
    return scripts.as_written_today(chain, text, payload)


def _is_segwit(text: str) -> bool:
    try:
        encodings.segwit(text)
    except encodings.EncodingError:
        return False
    return True


def _of_key(chain: Chain, text: str) -> str:
    """What to write instead of a public key."""
    found = scripts.addresses_of_key(chain, text)
    if not found:
        return "Write the addresses that its owner uses"
    listed = " or ".join(found)
    return (
        f"Write the addresses of this key that matter: {listed}. What was paid to the bare key "
        "itself stands on no address's page at explorers"
    )


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
    if re.match(r"(tb1|bcrt1)[0-9a-z]{11,71}\Z", text, re.IGNORECASE):
        return "It looks like an address of a Bitcoin test network: correct the chain"
    return _AGAIN
