"""Which watched addresses a person means who names an address, a chain or a case."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.loops import cases, find
from monitor.model import Chain, Subject
from monitor.store import follow, watch
from monitor.store.port import Reader


def chosen(
    store: Reader,
    chains: Mapping[str, Chain],
    address: str | None = None,
    chain: str | None = None,
    case: str | None = None,
) -> list[Subject]:
    """Those that all of it is true of: watched ones, and by their address or case also followed
    ones. Without any all that are watched. Raises ConfigError for what is not known, and where
    nothing that is watched is meant."""
    key = None if chain is None else find.chain_key(chains, chain)
    name = None if case is None else cases.known(store, case)
    form = None if address is None else find.known_address(store, chains, address, key)
    mine = [(w.entry.subject, w.entry.case) for w in watch.all_entries(store) if w.active]
    if form is not None or name is not None:
        mine += [(each.subject, each.case) for each in follow.followed(store)]
    found = dict.fromkeys(
        subject
        for subject, of_case in mine
        if key in (None, subject.chain)
        and form in (None, subject.address)
        and name in (None, of_case)
    )
    if not found and (asked := [each for each in (address, chain, case) if each is not None]):
        raise find.unknown(
            "reconcile", ", ".join(asked), "is nothing that is watched now",
            "`fundwatch watchlist list` shows what is watched",
        )  # fmt: skip
    return sorted(found, key=lambda subject: subject.key)
