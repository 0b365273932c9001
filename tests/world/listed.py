"""A watchlist, taken into a record as the program takes one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from monitor.model import Entry
from monitor.model.acts import DAEMON, TakeList
from monitor.store import taking
from monitor.store.port import Store
from monitor.store.taking import listed


def take_list(
    store: Store, entries: Sequence[Entry], sha256: str, now: int, keep: Collection[str] = ()
) -> None:
    taking.take_list(store, DAEMON, TakeList(now, sha256, listed(entries), keep, {}))
