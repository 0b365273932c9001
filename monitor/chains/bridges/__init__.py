"""Bridges between chains: what a transaction's logs say of value that leaves a chain or arrives.

A module a family, and a line a bridge in `lines.py`. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from monitor.chains.bridges import (
    across,
    cctp,
    debridge,
    layerzero,
    lines,
    rollups,
    thorchain,
    wormhole,
)
from monitor.chains.bridges.abi import NotSo, Seen, decode, topic
from monitor.chains.bridges.family import Kind
from monitor.chains.bridges.places import Here
from monitor.model import Chain
from monitor.model.events import TxLogs
from monitor.model.trace import Crossing

_FAMILIES = (
    across.KINDS,
    cctp.KINDS,
    debridge.KINDS,
    layerzero.KINDS,
    thorchain.KINDS,
    wormhole.KINDS,
    rollups.KINDS,
    lines.KINDS,
)


def crossings(chain: Chain, tx: TxLogs, chains: Mapping[str, Chain]) -> tuple[Crossing, ...]:
    """Both sides of bridges that a transaction's logs tell of, in order of their place.

    Only what a bridge's own contract wrote is believed, where it is known which those are on a
    chain; elsewhere the crossing's `contract` is all that stands for it. What does not fit its
    event is left out. `chains`: those that are configured, by key. Never raises.
    """
    here = Here(chain, tx, chains)
    found = [made for seen in _by_family(here).values() for made in _read(here, seen)]
    return tuple(sorted(found, key=lambda crossing: (crossing.log_index, crossing.bridge)))


def _by_family(here: Here) -> Mapping[int, Sequence[tuple[Kind, Seen]]]:
    """What each family wrote, in order of its place."""
    table = _kinds()
    found: dict[int, list[tuple[Kind, Seen]]] = defaultdict(list)
    for log in sorted(here.tx.logs, key=lambda log: log.log_index):
        for family, kind in table.get(log.topics[0], ()) if log.topics else ():
            if not kind.believed(here, log.contract):
                continue
            try:
                found[family].append((kind, Seen(kind.event, log, decode(kind.event, log))))
            except NotSo:
                continue
    return found


def _read(here: Here, seen: Sequence[tuple[Kind, Seen]]) -> Iterator[Crossing]:
    others = [one for _, one in seen]
    for kind, one in seen:
        try:
            made = kind.read(here, one, others) if kind.read else None
        except NotSo:
            continue
        if made is not None:
            yield made


@lru_cache(maxsize=1)
def _kinds() -> Mapping[str, Sequence[tuple[int, Kind]]]:
    """By topic; two families may have events of the same form."""
    table: dict[str, list[tuple[int, Kind]]] = defaultdict(list)
    for family, kinds in enumerate(_FAMILIES):
        for kind in kinds:
            table[topic(kind.event.signature)].append((family, kind))
    return table
