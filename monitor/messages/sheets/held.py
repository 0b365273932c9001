"""That funds which somebody holds have moved: who holds them, what is to be there, whether it was
announced, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from monitor.messages.sheets.parts import (
    Item,
    Section,
    name_said,
    section,
    shown_address,
)
from monitor.model import AlertKind, AlertView, Lane
from monitor.model.facts import HeldFunds
from monitor.model.plain import tidy
from monitor.model.watch import Planned

MOVED, PLANNED = "HELD FUNDS MOVED", "HELD FUNDS MOVED AS PLANNED"
SIGNED, TOUCHED = "KEY OF HELD FUNDS USED", "HELD FUNDS"
_LOUDEST = (MOVED, SIGNED, PLANNED, TOUCHED)
_STATES: Mapping[str, str] = {"frozen": "Frozen", "seized": "Seized", "forfeited": "Forfeited"}
_WHO_ELSE = (
    "If not, the key is in other hands: secure what else it opens, and ask the issuer of what "
    "left, or the exchange that got it, for a freeze. That loses its worth within hours."
)


def shout_of(views: Iterable[AlertView], said: str) -> str:
    """A headline or a subject, which begins with that; of several alerts with the loudest."""
    found = {word for view in views if (word := _word(view))}
    first = next((word for word in _LOUDEST if word in found), "")
    return f"{first}: {said}" if first else said


def _word(view: AlertView) -> str:
    """Of what is not alarming, and of what is over, that they are held is said all the same."""
    alert = view.alert
    if alert.facts.funds is None or alert.lane is not Lane.NEWS:
        return ""
    if alert.facts.funds.as_planned:
        return PLANNED
    if alert.kind is AlertKind.ACTIVITY:
        return SIGNED
    moved = (AlertKind.MOVEMENT, AlertKind.LATE, AlertKind.AMENDMENT)
    acted = any(row.row.transfer.kind.act for row in view.transfers)
    return MOVED if alert.kind in moved and not acted else TOUCHED


def as_planned(view: AlertView) -> bool:
    funds = view.alert.facts.funds
    return funds is not None and funds.as_planned


def held_section(view: AlertView) -> Section | None:
    """By whom they are held, and what the watchlist says of them, as it was then."""
    funds = view.alert.facts.funds
    if funds is None:
        return None
    return section(
        "HELD FUNDS",
        Item(_state(funds), style="strong"),
        Item(_expected(funds), "Expected") if funds.expected else None,
        *(_planned(view, funds.planned, funds) if funds.planned else ()),
    )


def _state(funds: HeldFunds) -> str:
    state = _STATES.get(funds.state, tidy(funds.state, 20))
    return f"{state}, held by {name_said(funds.holder, 120)}" if funds.holder else state


def _expected(funds: HeldFunds) -> str:
    return ", ".join(coins_said(coins, asset) for asset, coins in funds.expected.items())


def coins_said(coins: str, asset: str) -> str:
    """ "1,000.5 USDT", of an amount as the watchlist has it."""
    return f"{Decimal(coins):,f} {tidy(asset, 60)}"


def _planned(view: AlertView, planned: Planned, funds: HeldFunds) -> list[Item]:
    if funds.unlike:
        who = name_said(planned.by, 60)
        note = f"Something else was: {_amount(planned)}, by {who}, until {planned.until}."
        return [Item(f"This was not planned. {tidy(funds.unlike, 300)}", style="warn", note=note)]
    return [
        Item(f"Planned by {name_said(planned.by, 60)}: {name_said(planned.why, 200)}"),
        Item(f"Up to {_amount(planned)}, until {planned.until} (UTC), to"),
        Item(shown_address(view.chain, planned.to), style="code"),
        Item("It is used up by this: whatever leaves now was not planned.", style="note"),
    ]


def _amount(planned: Planned) -> str:
    coins, _, asset = planned.amount.partition(" ")
    return coins_said(coins, asset)


def to_do(view: AlertView) -> list[Item]:
    """What is to be done first."""
    word, funds = _word(view), view.alert.facts.funds
    if funds is None or word not in (MOVED, SIGNED, PLANNED):
        return []
    if funds.planned is not None and word == PLANNED:
        return [Item(f"Ask {name_said(funds.planned.by, 60)} whether this is theirs.")]
    who = name_said(funds.holder, 120) if funds.holder else "whoever holds these funds"
    return [Item(f"Call {who} now: did they do this? {_WHO_ELSE}", style="warn")]
