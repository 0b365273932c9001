"""Why an address is nobody's: strangers pay it all the time, and watching it would drown every
other alert. What families share of it; pure."""

from __future__ import annotations

BURNT = "is a burn address: strangers pay it all the time, nobody can spend from it"
MACHINERY = "is a part of the chain's own machinery, not anybody's address"


def of_account(digits: str) -> str:
    """Of the 20 bytes behind an account, in lower-case hex; empty: it may be somebody's."""
    number = int(digits, 16)
    if number == 0:
        return "is the zero address, a party to every creation of coins by strangers"
    if len(set(digits)) == 1:
        return "is a placeholder that many contracts use, not anybody's address"
    # No key has 12 leading zero bytes: these are precompiles, system contracts, mistakes.
    if number < 2**64 or digits.startswith("42" + "0" * 34):
        return MACHINERY
    return ""
