"""Our own addresses as they are shown: never themselves, always by their label. What is shown of
the record goes through here before anybody sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from monitor.model import OURS, Alert, Row
from monitor.model.facts import TO_US, Movement, Touched
from monitor.model.plain import tidy
from monitor.store import ours
from monitor.store.port import Fields, Reader

Veil = Mapping[str, str]  # by address: what stands in its place


def veil(
    store: Reader, titles: ours.Titles, rows: Iterable[Fields], touched: Iterable[Touched]
) -> dict[str, str]:
    """Of the addresses in these rows. `touched`: what alerts have frozen of them, which holds
    whatever our lists say now."""
    known = {(row["chain"], row["tx"], row["leg"]): row for row in rows}
    parties = {row[side] for row in known.values() for side in ("sender", "recipient")}
    found = ours.labels(store, titles, parties - {None})
    for each in touched:
        row = known.get((each.chain, each.tx, each.leg))
        party = row and row["recipient" if each.way == TO_US else "sender"]
        if party:
            found.setdefault(party, each.label)
    return {address: OURS + tidy(label, 80) for address, label in found.items()}


def veiled(row: Row, by: Veil) -> Row:
    """A row without these addresses, which stand in its leg too."""
    transfer = row.transfer
    mine = [party for party in transfer.parties() if party in by]
    if not mine:
        return row
    leg = _leg(transfer.leg, by)
    shown = replace(
        transfer,
        leg=leg if leg == transfer.leg else f"{leg}|row {row.id}",  # labels need not differ
        sender=by.get(transfer.sender or "", transfer.sender),
        recipient=by.get(transfer.recipient or "", transfer.recipient),
    )
    return replace(row, transfer=shown)


def _leg(leg: str, by: Veil) -> str:
    """On account chains a leg names both ends."""
    return "|".join(by.get(part, part) for part in leg.split("|"))


def facts(alert: Alert, by: Veil) -> Alert:
    """An alert whose facts name none of these addresses."""
    told = alert.facts
    ours = tuple(replace(each, leg=_leg(each.leg, by)) for each in told.ours)
    told = replace(told, ours=ours)
    if isinstance(told, Movement):
        classes = tuple((_leg(leg, by), name, why) for leg, name, why in told.classes)
        told = replace(told, classes=classes)
        if unusual := told.unusual:
            dealings = {by.get(party, party): each for party, each in unusual.dealings.items()}
            told = replace(told, unusual=replace(unusual, dealings=dealings))
    return replace(alert, facts=told)
