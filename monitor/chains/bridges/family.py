"""What the table knows of a bridge. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.chains.bridges.abi import Event, Seen
from monitor.chains.bridges.places import Here
from monitor.model.trace import Crossing

# By id of the chain, who writes an event in truth. On a chain that is not named nobody knows, and
# whoever reads the crossing sees its contract.
Own = Mapping[int, frozenset[str]]
# Makes a crossing of an event; the last argument is all that the family wrote in the transaction,
# in order. May raise abi.NotSo.
Reader = Callable[[Here, Seen, Sequence[Seen]], Crossing | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """An event of a bridge. `read` None: it only completes others."""

    event: Event
    read: Reader | None
    own: Own = field(default_factory=dict)

    def believed(self, here: Here, contract: str) -> bool:
        known = self.own.get(here.chain.chain_id or 0)
        return known is None or contract in known


def own(text: str) -> Own:
    """From lines of a chain's id and contracts of it; a chain may have several lines."""
    found: dict[int, frozenset[str]] = {}
    for first, *rest in (line.split() for line in text.strip().splitlines()):
        found[int(first)] = found.get(int(first), frozenset()) | frozenset(rest)
    return found


def before(others: Sequence[Seen], event: Event, at: int) -> Seen | None:
    """The last such event before a place in the transaction."""
    found = [seen for seen in others if seen.event == event and seen.at < at]
    return found[-1] if found else None


def after(others: Sequence[Seen], event: Event, at: int) -> Seen | None:
    """The first one after it."""
    return next((seen for seen in others if seen.event == event and seen.at > at), None)
