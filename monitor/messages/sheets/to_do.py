"""What to do about an alert: the second thing that a mail says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from monitor.messages.sheets import acts, held
from monitor.messages.sheets.flows import flows
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Telling,
    asset_name,
    claimed,
    name_said,
    named,
    section,
    shown_address,
    shown_name,
    trusted,
)
from monitor.model import AlertKind, AlertView, Chain, Direction, Lane, Severity, TransferView
from monitor.model.plain import tidy

HEADING = "TO DO"
_ACTIONABLE = frozenset({AlertKind.MOVEMENT, AlertKind.AMENDMENT, AlertKind.LATE})
SEEN = "A public site: its operator sees that you look."
CLAIMED_BUTTON = (
    "The button records the name you type (claimed); sign in at the desk to act under your own."
)
_ADVICE = "An option, not legal advice."
# Category -> how the other side is called, what follows from it.
_NAMED: Mapping[str, tuple[str, str]] = {
    "sanctioned": ("sanctioned", "Look at today's list before you act. Not legal advice."),
    "mixer": ("a mixer", "What leaves a mixer is hard to tie to what entered it."),
    "exchange": (
        "an exchange",
        "A request to it to hold the funds is possible now, and loses its worth within hours. "
        + _ADVICE,
    ),
    "bridge": ("a bridge", "The funds may go on on another chain: look there too."),
}
_NAMED_SENDERS = ("sanctioned", "mixer")
# Copies of a token on another chain, which the issuer's freeze is not known to reach.
_COPIES = ("bridged", "binance-peg")


def to_do_section(view: AlertView, telling: Telling) -> Section | None:
    moved = view.alert.kind in _ACTIONABLE and view.alert.lane is Lane.NEWS
    moved = moved and not held.as_planned(view)
    state = tidy(view.acknowledged) or view.state
    return section(
        HEADING,
        *(acknowledge if _asks(view) else at_desk)(view.alert.id, telling),
        Item(state, "State") if view.state != "open" else None,
        *held.to_do(view),
        *(_options(view) if moved else ()),
        *_link(view),
    )


def _asks(view: AlertView) -> bool:
    return view.state == "open" and not _calm(view)


def _calm(view: AlertView) -> bool:
    return view.alert.kind is AlertKind.HISTORY and view.alert.severity is Severity.LOW


def to_acknowledge(view: AlertView) -> bool:
    """Whether somebody should take it in hand: news, but no notice about ourselves and no
    calm summary."""
    notice = view.alert.kind is AlertKind.NOTICE and not view.alert.facts.ours
    return view.alert.lane is Lane.NEWS and not notice and not _calm(view)


def acknowledge(number: str, telling: Telling) -> list[Item]:
    """How an alert, or all of a message, is acknowledged: at the desk, by the link where there is
    one, by a command."""
    command = Item(f"fundwatch alerts ack {number} --by NAME", "Acknowledge", "command")
    page = at_desk(number, telling)
    if not telling.link:
        return [*page, command]
    note = "A page with a button; opening it changes nothing."
    note = f"{note} {CLAIMED_BUTTON}" if page else note
    button = Item(telling.link, "Acknowledge", "link", note)
    return [*page, button, replace(command, label="Or type")]


def at_desk(number: str, telling: Telling) -> list[Item]:
    """Where it stands at the desk; nothing without a desk."""
    page = telling.page(number)
    return [Item(page, "Open", "link")] if page else []


def look(chain: Chain | None, tx: str) -> str:
    """Where a public site shows a transaction; empty: nowhere."""
    plain_hash = tx.isalnum() and tx.isascii()
    return chain.link_tx.replace("{tx}", tx) if chain and chain.link_tx and plain_hash else ""


def look_address(chain: Chain | None, address: str) -> str:
    """Where a public site shows an address; empty: nowhere."""
    shown = shown_address(chain, address)
    if not (chain and chain.link_address and shown.isalnum() and shown.isascii()):
        return ""
    return chain.link_address.replace("{address}", shown)


def _link(view: AlertView) -> tuple[Item, ...]:
    link = look(view.chain, view.alert.tx or "")
    return (Item(link, "Look", "link", SEEN),) if link else ()


def _options(view: AlertView) -> list[Item]:
    done = acts.deeds(view)
    said = [*(Item(text) for text in acts.so(done)), *_other_side(view)]
    coins, where = ([], "") if done else _freezable(view)
    if coins and view.alert.severity.urgent:
        can = f"The issuer of {', '.join(coins)} can freeze it at {where} if asked."
        said.append(Item(f"{can} {_ADVICE}"))
    return said


def _freezable(view: AlertView) -> tuple[list[str], str]:
    """Coins whose issuer could act, and where they are now: after a swap the watched address
    has another coin than the one that left."""
    held = {
        way: list(dict.fromkeys(asset_name(f.sample) for f in found if _issued(f.sample)))
        for way in (Direction.OUT.value, Direction.IN.value)
        if (found := [f for f in flows(view) if f.direction == way and f.units])
    }
    if Direction.OUT.value not in held:
        return [], ""
    if any(f.direction == Direction.IN.value and trusted(f.sample) for f in flows(view)):
        return held.get(Direction.IN.value, []), "the watched address"
    return held[Direction.OUT.value], "the receiver's address"


def _other_side(view: AlertView) -> list[Item]:
    """What the address books say of the receiver, or of the sender of what came in."""
    legs = view.all_legs or view.transfers
    mine = view.entry.subject.address if view.entry else None
    if view.alert.direction is Direction.OUT:
        receivers = {leg.row.transfer.recipient for leg in legs} - {mine, None}
        return _names_of("receiver", view, receivers, _NAMED)
    if view.alert.direction is Direction.IN:
        # Anybody can write any sender into an unverified token.
        senders = {leg.row.transfer.sender for leg in legs if trusted(leg)} - {mine, None}
        return _names_of("sender", view, senders, _NAMED_SENDERS)
    return []


def _names_of(
    role: str, view: AlertView, addresses: Collection[str | None], categories: Iterable[str]
) -> list[Item]:
    who = f"A {role}" if len(addresses) > 1 else f"The {role}"
    items = []
    for category in categories:
        found = dict.fromkeys(
            f"{name_said(shown_name(each), 80)} ({claimed(each)})"
            for each in named(view, addresses, category)
        )
        what, so = _NAMED[category]
        if found:
            listed = "; ".join(list(found)[:3])
            style = "warn" if category in _NAMED_SENDERS else ""
            items.append(Item(f"{who} is named as {what}: {listed}. {so}", style=style))
    return items


def _issued(row: TransferView) -> bool:
    copy = row.asset is not None and any(c in row.asset.name.casefold() for c in _COPIES)
    coin = row.symbol.split(".", maxsplit=1)[0]
    return row.verified and not copy and coin in {"USDT", "USDC"}
