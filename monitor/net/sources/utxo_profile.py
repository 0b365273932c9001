"""What an address of a UTXO chain is, by the totals that servers keep and the newest of its
transactions. Pure. See profiles.

There are no contracts. Who pays out is a counterparty of each of the addresses that it pays; of a
payment that came in, all inputs together are one counterparty, for they are mostly one person's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from monitor.model import Chain, Transfer
from monitor.model.errors import BadResponse
from monitor.model.trace import Code
from monitor.net.sources.parsing import Parsed
from monitor.net.sources.profiles import Sketch
from monitor.net.sources.utxo_legs import folded


def counted(
    source: str, chain: Chain, address: str, told: Mapping[str, object], count: int
) -> Sketch:
    """Of the answer about an address, which names it. Raises BadResponse for another one."""
    named = told.get("address")
    if not isinstance(named, str) or address not in (named, folded(chain, named)):
        raise BadResponse(f"{source} answered with another address than was asked for")
    return Sketch(source, chain, address, code=Code.NONE, txs=set(), counted=count)


def take(sketch: Sketch, parsed: Parsed) -> None:
    """Look at transactions of the address. Raises BadResponse where one is of others, or none is
    shown of those that were counted."""
    if sketch.counted and not parsed.transfers:
        raise BadResponse(f"{sketch.source} counts transactions and shows none that can be read")
    legs: dict[str, list[Transfer]] = defaultdict(list)
    for leg in parsed.transfers:
        legs[leg.tx].append(leg)
    for tx in legs.values():
        senders = [leg.sender for leg in tx if leg.sender is not None]
        recipients = [leg.recipient for leg in tx if leg.recipient is not None]
        if sketch.address in senders:
            sketch.touch(tx[0].time, *recipients)
        elif sketch.address not in recipients:
            raise BadResponse(f"{sketch.source} answered transactions of another address")
