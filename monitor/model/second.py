"""A second operator's word on an address's lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.model.axis import Axis
from monitor.model.reading import Interval
from monitor.model.transfer import LIVE_STATUSES, Row
from monitor.model.watch import Severity, Subject

# What each source proved of one list, along one axis.
Proven = Mapping[str, Sequence[Interval]]
# The same of all lists of an address, by stream.
ProvenLists = Mapping[tuple[str, Axis], Proven]


@dataclass(frozen=True, slots=True)
class Listed:
    """A recorded movement with the sources that ever listed it."""

    row: Row
    sources: frozenset[str]


def compared(row: Row) -> bool:
    """Whether sources must agree on a movement. Of fees each knows another part, and on calls
    that move nothing they differ."""
    transfer = row.transfer
    return (
        row.status in LIVE_STATUSES
        and not transfer.kind.fee
        and (transfer.amount > 0 or transfer.kind.nft)
    )


@dataclass(frozen=True, slots=True)
class Unequal:
    """Movements of a list in which the words of two operators differ."""

    more: tuple[Listed, ...]  # the second lists them, and whoever read it before does not
    less: tuple[Listed, ...]  # the other way round


@dataclass(frozen=True, slots=True)
class SecondWord:
    """To where one source was asked for one list of an address, too."""

    subject: Subject
    stream: str
    source: str
    axis: Axis
    read: Interval  # in full
    at: int  # by our clock
    more: int = 0  # movements that it alone lists
    less: int = 0  # movements that it does not list


@dataclass(frozen=True, slots=True)
class Waiting:
    """An address that may want a second word."""

    subject: Subject
    severity: Severity  # the highest of its entries
    floor: int  # the block of its first contact
    asked: int  # when it last got one, by our clock; 0: never


@dataclass(frozen=True, slots=True)
class Counted:
    """Of how many watched addresses a second operator was asked."""

    addresses: int
    with_word: int
    oldest: int | None  # when the one was that was asked for the longest ago
    more: int  # movements that the second alone lists
    less: int  # movements that it does not list


@dataclass(frozen=True, slots=True)
class SecondSaid:
    """What gets no second word and why, and which sources are asked after the others."""

    restricted: int = 0  # addresses about which one operator alone may be asked
    budget: Mapping[str, int] = field(default_factory=dict)  # source -> addresses that wait for it
    alone: Mapping[str, Sequence[str]] = field(default_factory=dict)  # chain -> its lists
    back: Mapping[str, Sequence[str]] = field(default_factory=dict)  # chain -> sources
    in_blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)  # chain -> its lists
