"""Addresses of which a published list says the same. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from monitor.store.listing import Target
from monitor.store.port import Reader

# All of a row that its entries are made of, beside its address.
_MADE_OF = "l.entity, l.name, l.programs, l.since, l.at_least, l.chain, l.chains, l.rule"


def alike(store: Reader, name: str, addresses: Iterable[str], nr: int) -> list[list[Target]]:
    """Of these addresses those of which a list says one thing, first in this version: together
    are those of which it says the same. Whoever is written in two ways is left out."""
    sql = (
        f"SELECT l.address, l.from_nr = ? AND l.twin IS NULL, {_MADE_OF} FROM listing l "
        "WHERE +l.list = ? AND l.address IN ({})"  # the +: as listing.py has it
    )
    rows = [tuple(row) for row in store.read_in(sql, addresses, [nr, name])]
    number = Counter(row[0] for row in rows)
    found: dict[tuple[object, ...], list[Target]] = {}
    for address, fresh, *says in rows:
        if fresh and number[address] == 1:
            found.setdefault(tuple(says), []).append((address, says[0]))
    return [*found.values()]
