"""Whom to ask, by who asks: a draft for an authority, a note for everybody else. Nothing here is
ever sent by the program."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.messages.trace.seizing import EXCHANGE, Actor, Place, Where
from monitor.messages.trace.words import METHOD, Page, asset_said, bare, exact
from monitor.model import Subject
from monitor.model.flow import CONSERVING
from monitor.model.plain import case_said, clean, plural, utc
from monitor.model.trace import Edge, Trace

DRAFT = (
    "Draft, not sent. Who may send this, on which legal basis, may the receiver tell the account "
    "holder? A freeze is visible to everybody."
)
AUTHORITY = "authority"
UNSET = (
    "desk: is not set in config/settings.yaml (bank, exchange, authority or counsel). Whom to ask "
    "depends on it; until then only who could act is shown."
)
NOTES = {
    "bank": "For your counsel or the authority: those named under 'could act' could keep these "
    "funds from moving. Whether they are asked, by whom and on which legal basis is for your "
    "counsel or the authority to say. Do not write to them, or to the holder, on this alone: a "
    "freeze is visible to everybody, and telling the holder may be forbidden.",
    "exchange": "For your counsel: what lies at your own addresses is in your hands; of all else "
    "those named under 'could act' could keep it from moving. Whether they are asked, by whom and "
    "on which legal basis is for your counsel or the authority to say. A freeze is visible to "
    "everybody.",
    "counsel": "For the authority that you act before: those named under 'could act' could keep "
    "these funds from moving. On which legal basis they may be asked, and whether they may tell "
    "the holder, is yours to say. A freeze is visible to everybody.",
}
_WIDTH = 78
_PAYMENTS = 20  # of one place, by their transactions


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person gets to work with. `to` empty: a note for the reader."""

    to: str
    text: str  # lines; a draft begins with DRAFT

    @property
    def is_draft(self) -> bool:
        return bool(self.to)


def asks(trace: Trace, found: Sequence[Place], page: Page, told: str) -> list[Ask]:
    """`told`: which state of the trace the figures are of."""
    desk = trace.beside.desk if trace.beside is not None else ""
    if not desk:
        return [Ask("", _filled(UNSET))]
    if not any(place.actors for place in found):
        return [Ask("", "Nobody is named who could act.")]
    if desk != AUTHORITY:
        return [Ask("", _filled(NOTES[desk]))]
    by_actor: dict[tuple[str, str], list[Place]] = {}
    for place in found:
        for actor in whom(place):
            by_actor.setdefault((actor.role, actor.name), []).append(place)
    return [
        Ask(name, "\n".join(_draft(trace, role, name, mine, page, told)))
        for (role, name), mine in by_actor.items()
    ]


def draft(trace: Trace, place: Place, role: str, name: str, page: Page, told: str) -> str:
    """What a person begins with who asks somebody about one place: the draft of an authority; for
    everybody else a note for whoever may ask, with the same facts."""
    desk = trace.beside.desk if trace.beside is not None else ""
    if desk == AUTHORITY:
        return "\n".join(_draft(trace, role, name, [place], page, told))
    facts = [*_listed(1, place, page), *_payments(trace, place)]
    return "\n".join(["Note, not sent.", _filled(NOTES.get(desk, UNSET)), "", told, *facts])


def whom(place: Place) -> list[Actor]:
    """Who has it is asked; only where nobody has, the issuer of the token."""
    keepers = [actor for actor in place.actors if actor.role == EXCHANGE]
    if keepers:
        return keepers
    return [] if place.where is Where.ENDED else list(place.actors)


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _draft(
    trace: Trace, role: str, name: str, found: Sequence[Place], page: Page, told: str
) -> Iterator[str]:
    """With blanks for what only the sender knows."""
    yield DRAFT
    yield ""
    yield f"To: {name} ({'issuer of the token' if role != EXCHANGE else 'keeper of the account'})"
    yield "From: ____________________   Reference: ____________________"
    yield "Legal basis: ____________________"
    yield "May the account holder be told: ____________________"
    yield f"Case: {case_said(trace.case)}. {told}".rstrip()
    yield ""
    yield _filled(
        "Funds that left the watched addresses of this case came, by recorded movements, to what "
        "is listed here. How much of them is there depends on the method; all stand side by side."
    )
    for number, place in enumerate(found, 1):
        yield ""
        yield from _listed(number, place, page)
        yield from _payments(trace, place)


def _payments(trace: Trace, place: Place) -> Iterator[str]:
    """By which transactions it came: what a keeper of accounts looks for first."""
    came = [edge for edge in trace.edges if _brought(edge, place)]
    for edge in came[:_PAYMENTS]:
        yield f"   came {utc(edge.time)} in transaction {clean(edge.tx, 100)}"
    rest = len(came) - _PAYMENTS
    if rest > 0:
        yield f"   and in {plural(rest, 'more transaction')}"


def _brought(edge: Edge, place: Place) -> bool:
    asset = edge.got.asset if edge.got is not None else edge.asset
    where = Subject(edge.to_chain or edge.chain, edge.recipient)
    moved = any(edge.traced.get(method, 0) for method in CONSERVING)
    return moved and where == place.node.subject and asset == place.asset


def _listed(number: int, place: Place, page: Page) -> Iterator[str]:
    asset = place.asset
    yield f"{number}. {page.place(place.node.subject)}"
    contract = f", contract {asset.contract}" if asset.contract else ""
    yield f"   {asset_said(asset)}{contract}"
    for method in CONSERVING:
        units = place.held.amount.get(method, 0)
        yield f"   {f'traced by {METHOD[method]}':<24}  {bare(asset, units)}"
    chain = place.on_chain
    if chain is not None and chain.amount is not None:
        yield f"   on the chain {utc(chain.time)}: {exact(asset, chain.amount)}, by {chain.source}"
    yield f"   arrived from {utc(place.node.first_traced)} on; last movement {utc(place.since)}"
    if place.way:
        yield textwrap.fill(
            f"way: {place.way}",
            _WIDTH,
            initial_indent="   ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
