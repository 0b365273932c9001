"""Tron: accounts and contracts like Ethereum's, addresses in base58 ("T...")."""

from __future__ import annotations

import re
from functools import lru_cache

import base58

from monitor.chains import evm, sinks
from monitor.chains.family import AddressError, Family, Form, Stream
from monitor.chains.sinks import Sink
from monitor.model import UINT256_MAX, Axis, Chain

_VERSION = b"\x41"
_HEX = re.compile(r"(?:41|0x41|0x)?([0-9a-fA-F]{40})\Z")
_BURN = frozenset({"TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy"})
_LIKE = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}\Z")


def canonical(chain: Chain, text: str) -> str:
    """Base58, also when given as hex "41..." or "0x..."."""
    hexed = _HEX.match(text)
    if hexed:
        return of_hex(hexed[1].lower())
    if not _is_base58(text):
        raise AddressError(
            f"is not an address of {chain.name} (T and 33 characters), or its checksum is wrong"
        )
    return text


@lru_cache(maxsize=1 << 16)
def of_hex(hexed: str) -> str:
    """The address of twenty bytes in hex. Kept, because a block names the same few contracts and
    exchanges over and over."""
    return base58.b58encode_check(_VERSION + bytes.fromhex(hexed)).decode()


def _is_base58(text: str) -> bool:
    try:
        payload = base58.b58decode_check(text)
    except ValueError:
        return False
    return len(payload) == 21 and payload[:1] == _VERSION


def _form(_: Chain, text: str) -> Form:
    """Hex is how programs pass addresses on, and it looks like Ethereum's."""
    if _HEX.match(text):
        return Form.LEGACY
    return Form.PREFERRED if _is_base58(text) else Form.FOREIGN


def _resembles(_: Chain, text: str) -> bool:
    return text.startswith("T")


def _nobodys(address: str) -> Sink | None:
    """The hash behind a burn address of Ethereum belongs to nobody here either."""
    if address in _BURN:
        return sinks.BURN
    return evm.EVM.nobodys(f"0x{base58.b58decode_check(address)[1:].hex()}")


TRON = Family(
    key="tron",
    called="Tron",
    axis=Axis.TIME,  # the TRC-20 list names no blocks
    streams={
        "native": Stream("Plain coin transfers", "native"),
        "internal": Stream("Coin transfers made by contracts (internal)", "internal"),
        "trc20": Stream("Token transfers (TRC-20)", "tokens"),
    },
    atomic=False,
    signed="",  # bandwidth is free up to a point
    can_fail=True,
    amount_max=UINT256_MAX,
    canonical=canonical,
    form=_form,
    resembles=_resembles,
    nobodys=_nobodys,
    not_listed=("rewards that are credited and not withdrawn yet",),
    hints={"a Tron address": _LIKE},
    zero="T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
)
