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
)
from monitor.model import AlertView
from monitor.model.balance import COIN, Held, State
from monitor.model.balance_words import block_said, differs, exact, units_said
from monitor.model.facts import Balance, Movement, of_kind
from monitor.model.plain import amount, clean, tidy

_BY_RECORD = "By our record, not asked from the chain."


def said(held: Held, units: int) -> str:
    """As a person says it: "1,000,000 USDT"."""
    if not held.verified:
        return exact(held, units)
    return f"{figure_of(units, held.decimals, held.symbol)} {units_said(held)}"


# --- in the alert of a movement --------------------------------------------------------------


def left_section(view: AlertView) -> Section | None:
    """What is left, by our record and, where it was asked, on the chain."""
    facts = of_kind(view.alert.facts, Movement)
    asked = {held.contract: held for held in facts.held}
    balances: Sequence[Balance] = (facts.unusual and facts.unusual.balances) or ()
    items = []
    for each in balances:
        beside = _beside(asked.pop(each.contract or COIN, None))
        items += [_recorded(view, each, ", by our record" if beside else ""), *beside]
    for held in asked.values():
        if held.recorded is not None:
            items.append(Item(f"{exact(held, held.recorded)}, by our record"))
        items += _beside(held)
    note = Item(_BY_RECORD, style="note") if balances and not facts.held else None
    return section("BALANCE", *items, note) if items else None


def on_chain(held: Held) -> Item | None:
    """What the chain says, as it was last asked; None: nothing."""
    if held.on_chain is None or held.height is None:
        return None
    at = f"at {block_said(held.height, held.time)} by {tidy(held.source, 40)}"
    what = f"{exact(held, held.on_chain)}, {at}"
    if held.state is State.RECONCILED:
        return Item(f"On the chain: {what}; our record comes to the same.")
    if held.state is State.UNEXPLAINED:
        return Item(f"ON THE CHAIN: {what}; that is {differs(held)}.", style="warn")
    return Item(f"On the chain: {what}. Not compared: {tidy(held.reason, 200)}.")


def doubt(view: AlertView) -> tuple[str, ...]:
    """That the chain says another balance than the record, where it does."""
    if not any(held.difference for held in of_kind(view.alert.facts, Movement).held):
        return ()
    return ("What is left is not sure: the chain says otherwise than our record, see BALANCE.",)


def _recorded(view: AlertView, fact: Balance, by: str) -> Item:
    same = [row for row in view.transfers if row.row.transfer.contract == fact.contract]
    sample = next((row for row in same if trusted(row)), None)
    name = asset_name(sample) if sample else f'unverified token "{clean(fact.symbol)}"'
    decimals = sample.decimals if sample else None
    ends = " -> ".join(amount(units, decimals) for units in (fact.before, fact.after))
    return Item(f"{ends} {name}{by}" if sample else f"{name}: {ends}{by}")


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
