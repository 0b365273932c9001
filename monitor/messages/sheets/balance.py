"""What the chain says that an address holds, in words: beside our record, at which block, by whom.

A token that nobody verified is never called by the name that it gives itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.messages.sheets.parts import (
    Item,
    Section,
    asset_name,
    figure_of,
    section,
    trusted,
    unverified,
)
from monitor.model import AlertView
from monitor.model.balance import COIN, Held, State
from monitor.model.facts import Balance, Movement, of_kind
from monitor.model.plain import amount, clean, tidy, utc

_BY_RECORD = "By our record, not asked from the chain."


def asset_said(held: Held) -> str:
    """The coin's or a verified token's symbol; of another token that it is not verified."""
    if not held.verified:
        return unverified("token", held.symbol)
    return tidy(held.symbol, 32)


def exact(held: Held, units: int) -> str:
    """ "1,000,000.000000 USDT"; of a token that nobody verified raw units."""
    decimals = held.decimals if held.verified else None
    return f"{amount(units, decimals)} {asset_said(held)}"


def said(held: Held, units: int) -> str:
    """As a person says it: "1,000,000 USDT"."""
    if not held.verified:
        return exact(held, units)
    return f"{figure_of(units, held.decimals, held.symbol)} {asset_said(held)}"


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
    """Who says it, and who says the same."""
    first, second = tidy(held.source, 40), tidy(held.second, 40)
    if not second:
        return f"by {first} alone" if first else "by nobody"
    return f"by {first}, asked twice" if second == first else f"by {first} and {second}"


# --- in the alert of a movement --------------------------------------------------------------


def left_section(view: AlertView) -> Section | None:
    """What is left, by our record and, where it was asked, on the chain."""
    facts = of_kind(view.alert.facts, Movement)
    asked = {held.contract: held for held in facts.held}
    balances: Sequence[Balance] = (facts.unusual and facts.unusual.balances) or ()
    items = []
    for each in balances:
        items.append(_recorded(view, each))
        items += _beside(asked.pop(each.contract or COIN, None))
    for held in asked.values():
        if held.recorded is not None:
            items.append(Item(f"{exact(held, held.recorded)}, by our record"))
        items += _beside(held)
    note = Item(_BY_RECORD, style="note") if balances and not facts.held else None
    return section("BALANCE", *items, note) if items else None


def _recorded(view: AlertView, fact: Balance) -> Item:
    same = [row for row in view.transfers if row.row.transfer.contract == fact.contract]
    sample = next((row for row in same if trusted(row)), None)
    name = asset_name(sample) if sample else f'unverified token "{clean(fact.symbol)}"'
    decimals = sample.decimals if sample else None
    ends = " -> ".join(amount(units, decimals) for units in (fact.before, fact.after))
    return Item(f"{ends} {name}" if sample else f"{name}: {ends}")


def _beside(held: Held | None) -> list[Item]:
    """What the chain says of it; an asset that was not asked for has no line."""
    if held is None:
        return []
    if held.state is State.CANNOT_CHECK or held.height is None or held.on_chain is None:
        why = tidy(held.reason, 300) or "no source said it in time"
        return [Item(f"On the chain: not checked ({why}).", style="note")]
    at = f"at {block_said(held.height, held.time)} by {tidy(held.source, 40)}"
    if not held.difference:
        return [Item(f"On the chain: the same, {exact(held, held.on_chain)}, {at}.")]
    text = (
        f"ON THE CHAIN IT IS NOT THE SAME: {exact(held, held.on_chain)}, {at}; that is "
        f"{differs(held)} up to that block. Why is being looked for."
    )
    return [Item(text, style="warn")]
