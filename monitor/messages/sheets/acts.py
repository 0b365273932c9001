"""What the issuer of a token did at an address, in words: who, what, which token."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.messages.sheets.parts import asset_name, quantity, quantity_short
from monitor.model import AlertView, Kind, TransferView
from monitor.model.plain import tidy

_SHORT = {Kind.DESTROYED: "DESTROYED", Kind.FROZEN: "FROZE", Kind.RELEASED: "RELEASED"}
_SO = {
    Kind.DESTROYED: "Nothing of this token is left at it.",
    Kind.FROZEN: "It cannot send this token until the issuer releases it; other tokens and the "
    "chain's own coin still move.",
    Kind.RELEASED: "It can send this token again from now on.",
}


def deeds(view: AlertView) -> tuple[TransferView, ...]:
    """The rows of an alert that tell what an issuer did."""
    return tuple(row for row in view.transfers if row.row.transfer.kind.act)


def sentence(row: TransferView) -> str:
    """ "Tether destroyed 7,740,000.000000 USDT at this address." """
    kind, token = row.row.transfer.kind, asset_name(row)
    who = _issuer(row)
    if kind is Kind.FROZEN:
        return f"{who} froze this address for {token}."
    if kind is Kind.RELEASED:
        return f"{who} released this address for {token}."
    units = row.row.transfer.amount
    what = quantity(row, units) if units else f"the {token}"
    return f"{who} destroyed {what} at this address."


def said(row: TransferView, who: str, destroyed: str) -> str:
    """As `sentence`, for a headline: whose address, and what was destroyed as a person says
    it."""
    kind, issuer, token = row.row.transfer.kind, _issuer(row), asset_name(row)
    if kind is Kind.FROZEN:
        return f"{issuer} froze the {token} of {who}."
    if kind is Kind.RELEASED:
        return f"{issuer} released the {token} of {who}: it can be sent again."
    return f"{issuer} destroyed {destroyed} at {who}; no {token} left."


def short(row: TransferView) -> str:
    """The same, fit for a subject: "Tether DESTROYED 7,740,000 USDT"."""
    transfer = row.row.transfer
    what = quantity_short(row, transfer.amount) if transfer.amount else asset_name(row)
    return f"{_issuer(row)} {_SHORT[transfer.kind]} {what}"


def so(rows: Sequence[TransferView]) -> list[str]:
    """What follows from acts, each once."""
    return list(dict.fromkeys(_SO[row.row.transfer.kind] for row in rows))


def _issuer(row: TransferView) -> str:
    return tidy(row.issuer, 40) or f"The issuer of {asset_name(row)}"
