"""Why an address is nobody's: strangers pay it all the time, and watching it would drown every
other alert. What families share of it; pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class Sink(NamedTuple):
    """Why nobody in particular holds an address."""

    rule: str  # its short name: a key of watchlist.imports.rules.RULES
    reason: str


ZERO = Sink("zero address", "is the zero address, a party to every creation of coins by strangers")
BURN = Sink(
    "burn address", "is a burn address: strangers pay it all the time, nobody can spend from it"
)
PLACEHOLDER = Sink("placeholder", "is a placeholder that many contracts use, not anybody's address")
PRECOMPILE = Sink(
    "precompile",
    "is a small number, where chains keep a part of their own machinery; not anybody's address",
)
SYSTEM = Sink("system contract", "is a part of the chain's own machinery, not anybody's address")

_DEAD = re.compile(r"(?:0|dead)+\Z")
# 20 bytes that chains begin parts of their machinery with: rollups of Optimism's kind, Scroll,
# Avalanche.
_MACHINERY = re.compile(r"(?:42|53|01|02|03)0{34}[0-9a-f]{4}\Z")
_COUNTED = ("0123456789" * 4, "1234567890" * 4, "123456789abcdef0" * 2 + "12345678")


def of_account(digits: str) -> Sink | None:
    """Of the 20 bytes behind an account, in lower-case hex; None: it may be somebody's."""
    number = int(digits, 16)
    if number == 0:
        return ZERO
    if _DEAD.match(digits):
        return BURN
    # No key has 12 leading zero bytes: these are precompiles, system contracts, mistakes.
    if number < 2**64:
        return PRECOMPILE
    if _MACHINERY.match(digits):
        return SYSTEM
    return PLACEHOLDER if digits == digits[0] * len(digits) or digits in _COUNTED else None
