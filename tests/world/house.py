"""A list of our own addresses in a record, version by version, as the program takes one."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model.acts import DAEMON, TakePublication
from monitor.model.lists import Judged, Publication, Published, Row
from monitor.store import listing, staging
from monitor.store.commit import commit
from monitor.store.port import Store

NAME, TITLE = "house", "Our bank"
TITLES = {NAME: TITLE}


def take_house(
    store: Store, now: int, owned: Mapping[str, str], *, name: str = NAME, rule: str = ""
) -> None:
    """The next version: canonical addresses with their labels."""
    rows = [
        Row(Published(address, label=label), Judged("ethereum", ("ethereum",), address, rule))
        for address, label in owned.items()
    ]
    before = listing.newest(store, name)
    nr = before.nr + 1 if before else 1
    version = Publication(name, nr, f"{nr:064x}", "", now, 10, len(rows))
    staging.clear(store, name)
    staging.stage(store, name, rows, 0)
    spans = [staging.prepare(store, version, keys) for keys in staging.spans(len(rows))]
    commit(store, DAEMON, TakePublication(now, version, [each for each in spans if each]))
