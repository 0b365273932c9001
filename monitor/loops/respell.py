"""Subjects that an earlier version recorded in another form than addresses have now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.chains.address import AddressError, canonical
from monitor.chains.table import family_of
from monitor.model import Chain
from monitor.model.acts import DAEMON, Renamed, Respell
from monitor.store import respell as record
from monitor.store.commit import commit
from monitor.store.port import Store


def respell(store: Store, chains: Mapping[str, Chain], now: int) -> None:
    """Bring them into the present form."""
    found = [
        renamed
        for chain in chains.values()
        if family_of(chain).respells(chain)
        for renamed in _renamed(store, chain)
    ]
    if found:
        commit(store, DAEMON, Respell(now, found))


def _renamed(store: Store, chain: Chain) -> Iterator[Renamed]:
    for subject in record.subjects_of(store, chain.key):
        try:
            address = canonical(chain, subject.address)
        except AddressError:
            continue  # taken by an earlier version; stays as it is
        if address != subject.address:
            yield subject, address
