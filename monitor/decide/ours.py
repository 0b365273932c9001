"""Which movements touch addresses of our own: between them and what is watched or followed. Pure.

What strangers can do at no cost (zero value, unverified tokens) touches nobody. On chains whose
transactions are one whole, the other side counts: whom the inputs pay, and who pays in beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from monitor.model import Alert, Direction, Transfer
from monitor.model.facts import BESIDE_US, FROM_US, TO_US, Touched
from monitor.model.plan import Context

REASON = "It touches an address of our own: that is told whatever the limits say."


def touched(
    context: Context, address: str, rows: Sequence[Transfer], legs: Sequence[Transfer]
) -> tuple[Touched, ...]:
    """What moved between an address and our own in one transaction. `rows`: those that touch the
    address; `legs`: all that are known of it."""
    if not context.ours or _is_all_ours(context, address):
        return ()
    whole = any(row.kind.utxo for row in rows)
    found = _whole(address, rows, legs) if whole else _single(context, address, rows)
    return tuple(
        Touched(leg.chain, leg.tx, leg.leg, way, address, own.list, own.label)
        for leg, way, party in found
        if party != address and (own := context.ours.get(party or "")) is not None
    )


def _is_all_ours(context: Context, address: str) -> bool:
    """Whether persons watch an address of our own: what it moves inside the house is no news. One
    that a published list names is."""
    mine = [w for w in context.watched.get(address, ()) if w.active]
    return address in context.ours and all(w.entry.origin is None for w in mine)


def _single(
    context: Context, address: str, rows: Iterable[Transfer]
) -> Iterator[tuple[Transfer, str, str | None]]:
    for row in rows:
        if row.kind.fee or row.kind.act or not row.amount:
            continue
        if not _verified(context, row):
            continue
        side = row.side(address)
        if side is Direction.OUT:
            yield row, TO_US, row.recipient
        elif side is Direction.IN:
            yield row, FROM_US, row.sender


def _whole(
    address: str, rows: Sequence[Transfer], legs: Sequence[Transfer]
) -> Iterator[tuple[Transfer, str, str | None]]:
    """Whoever spends pays all receivers, and has to do with all who spend beside it."""
    spends = any(row.sender == address and row.amount for row in rows)
    gets = any(row.recipient == address and row.amount for row in rows)
    for leg in legs:
        if not leg.amount:
            continue
        if spends and leg.kind.output:
            yield leg, TO_US, leg.recipient
        if leg.kind.input and (spends or gets):
            yield leg, BESIDE_US if spends else FROM_US, leg.sender


def _verified(context: Context, row: Transfer) -> bool:
    known = row.contract is None or (row.chain, row.contract) in context.assets
    return known and not row.kind.numbered


def kept(alerts: Iterable[Alert], now: Iterable[Touched]) -> tuple[Touched, ...]:
    """What an alert of a transaction says of our own: what was said of it before stays said, also
    where an address is ours no longer."""
    found = {each.key: each for alert in alerts for each in alert.facts.ours}
    for each in now:
        found.setdefault(each.key, each)
    return tuple(found.values())
