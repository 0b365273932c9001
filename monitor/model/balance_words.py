"""An address's holding in words: how much of what, at which block, by whom. Pure.

A token that nobody verified is never called by the name that it gives itself.
"""

from __future__ import annotations

import re

from monitor.model.balance import Held
from monitor.model.plain import amount, tidy, unverified, utc


def asset_said(held: Held) -> str:
    """The coin's or a verified token's symbol; of another token that it is not verified."""
    if not held.verified:
        return unverified("token", held.symbol)
    return tidy(held.symbol, 32)


def units_said(held: Held) -> str:
    """What its amounts count: "USDT", or "shares of stETH", which is not how many stETH."""
    return f"{'shares of ' if held.in_shares else ''}{asset_said(held)}"


def exact(held: Held, units: int) -> str:
    """ "1,000,000.000000 USDT"; of a token that nobody verified raw units."""
    decimals = held.decimals if held.verified else None
    return f"{amount(units, decimals)} {units_said(held)}"


def block_said(height: int, time: int | None) -> str:
    """ "block 1,000 (2026-11-22 09:14:37 UTC)"."""
    at = f" ({utc(time)})" if time is not None else ""
    return f"block {height:,}{at}"


def differs(held: Held) -> str:
    """ "7,740,000 USDT less on the chain"; empty where they are equal or one is not known."""
    if not held.difference:
        return ""
    way = "less" if held.difference < 0 else "more"
    return f"{exact(held, abs(held.difference))} {way} on the chain than recorded"


def sources_said(held: Held) -> str:
    """Who says it, and who says the same; "by etherscan alone, and again at block 26,401,190"."""
    first = tidy(held.source, 40)
    if not first:
        return "by nobody"
    if held.alone:
        again = f", and {held.second.removeprefix(held.source).strip()}" if held.second else ""
        return f"by {first} alone{again}"
    return f"by {first} and {tidy(held.second, 40)}"


def kind(reason: str) -> str:
    """What a reason begins with: the part that is the same for all of its kind."""
    return tidy(re.split(r":| up to block", reason, maxsplit=1)[0], 60) or "nobody knows why"
