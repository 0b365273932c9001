"""Names for addresses by the lists that others publish: what a list says now, or said last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from monitor.chains.table import family_of
from monitor.model import Chain, Entry, Known, Watched
from monitor.model.lists import ListConfig
from monitor.store.port import Fields, Reader


def named(
    store: Reader, chain: Chain, addresses: Collection[str], lists: Mapping[str, ListConfig],
    chains: Mapping[str, Chain],
) -> dict[str, Known]:  # fmt: skip
    """By address, those of these that stand in one of these lists. What everybody may know goes
    before what people of a case may, then what a list still says before what it said once."""
    if not lists or not addresses:
        return {}
    sql = (
        "SELECT l.*, l.{0} AS called, u.published AS gone FROM listing l JOIN publication f "
        "ON f.list = l.list AND f.nr = l.from_nr LEFT JOIN publication u "
        "ON u.list = l.list AND u.nr = l.until_nr WHERE l.rule = '' AND l.{0} IN ({{}}) "
        "ORDER BY l.until_nr IS NOT NULL, l.since"
    )
    family = family_of(chain)
    found: dict[str, Known] = {}
    for spelling in ("address", "twin"):
        rows = [r for r in store.read_in(sql.format(spelling), addresses) if r["list"] in lists]
        for row in sorted(rows, key=lambda row: bool(lists[row["list"]].private_to)):
            own = chains.get(row["chain"] or "")
            if own is not None and family_of(own) is family:
                found.setdefault(row["called"], _known(row, lists[row["list"]]))
    return found


def _known(row: Fields, config: ListConfig) -> Known:
    title = config.title
    entity = f" {row['entity']}" if row["entity"] else ""
    gone = f", not on it since {row['gone'] or 'a later version'}" if row["until_nr"] else ""
    return Known(
        label=row["name"] or f"on {title}'s list",
        case=config.private_to,
        source=f"{title}{entity}{gone}",
        date=row["since"],
        list=title,
    )


def gather(
    store: Reader, chains: Mapping[str, Chain], lists: Mapping[str, ListConfig],
    parties: Iterable[tuple[str, str]],
) -> dict[tuple[str, str], Known]:  # fmt: skip
    """The same for (chain, address) of several chains."""
    by_chain: dict[str, set[str]] = {}
    for chain, address in parties if lists else ():
        by_chain.setdefault(chain, set()).add(address)
    return {
        (key, address): known
        for key, addresses in by_chain.items()
        if key in chains
        for address, known in named(store, chains[key], addresses, lists, chains).items()
    }


def speaker(on: Sequence[Watched], own: str, alerts: Collection[str]) -> Entry | None:
    """Of the entries on one address the one to name: the alert's own, else a person's, else of
    those of lists the one that tells of the transaction. What a list has goes before what a
    person has ended."""
    mine = next((w for w in on if w.entry.id == own), None)
    listed = [w for w in on if w.entry.origin and w.active]
    persons = [w for w in on if w.entry.origin is None and (w.active or not listed)]
    told = [w for w in listed if w.entry.id in alerts]
    found = mine or next(iter((*persons, *told, *listed, *on)), None)
    return found.entry if found else None


def titles_of(on: Sequence[Watched]) -> tuple[str, ...]:
    """What people call the lists that have an address now."""
    origins = (w.entry.origin for w in on if w.active)
    return tuple(dict.fromkeys(o.title for o in origins if o and not o.until))
