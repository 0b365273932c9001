"""What the issuer of a token did at an address, in words: who, what, which token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.messages.sheets.parts import asset_name, quantity, quantity_short
from monitor.model import AlertView, Kind, TransferView
from monitor.model.plain import tidy


@dataclass(frozen=True, slots=True)
class _Words:
    """How an act is told: in a subject, in a list, in a headline, and what follows from it."""

    short: str
    sentence: str
    said: str
    so: str


_DESTROYED = _Words(
    "DESTROYED",
    "{issuer} destroyed {what} at this address.",
    "{issuer} destroyed {what} at {who}; no {token} left.",
    "Nothing of this token is left at it.",
)
_FROZEN = _Words(
    "FROZE",
    "{issuer} froze this address for {token}.",
    "{issuer} froze the {token} of {who}.",
    "It cannot send this token until the issuer releases it; other tokens and the "
    "chain's own coin still move.",
)
_RELEASED = _Words(
    "RELEASED",
    "{issuer} released this address for {token}.",
    "{issuer} released the {token} of {who}: it can be sent again.",
    "It can send this token again from now on.",
)


def _words(kind: Kind) -> _Words:
    if kind.destroys:
        return _DESTROYED
    return _FROZEN if kind.freezes else _RELEASED


def deeds(view: AlertView) -> tuple[TransferView, ...]:
    """The rows of an alert that tell what an issuer did."""
    return tuple(row for row in view.transfers if row.row.transfer.kind.act)


def sentence(row: TransferView) -> str:
    """ "Tether destroyed 7,740,000.000000 USDT at this address." """
    transfer, token = row.row.transfer, asset_name(row)
    what = quantity(row, transfer.amount) if transfer.amount else f"the {token}"
    return _words(transfer.kind).sentence.format(issuer=_issuer(row), token=token, what=what)


def said(row: TransferView, who: str, destroyed: str) -> str:
    """As `sentence`, for a headline: whose address, and what was destroyed as a person says
    it."""
    words = _words(row.row.transfer.kind).said
    return words.format(issuer=_issuer(row), token=asset_name(row), who=who, what=destroyed)


def short(row: TransferView) -> str:
    """The same, fit for a subject: "Tether DESTROYED 7,740,000 USDT"."""
    transfer = row.row.transfer
    what = quantity_short(row, transfer.amount) if transfer.amount else asset_name(row)
    return f"{_issuer(row)} {_words(transfer.kind).short} {what}"


def so(rows: Sequence[TransferView]) -> list[str]:
    """What follows from acts, each once."""
    return list(dict.fromkeys(_words(row.row.transfer.kind).so for row in rows))


def _issuer(row: TransferView) -> str:
    return tidy(row.issuer, 40) or f"The issuer of {asset_name(row)}"
