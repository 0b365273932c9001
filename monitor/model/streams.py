"""What has been read of one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.model import Axis, Interval

UNSERVED = "no configured source lists it"
# The same of a list of a chain that is read block by block, where what moved in it changes balances
# that are asked for; behind it stands who is asked what moved (`shown_by`).
SHOWN = f"{UNSERVED} for the whole chain; where coins moved, balances show it"


@dataclass(frozen=True, slots=True)
class StreamState:
    """What has been read of one stream, over all sources."""

    covered: Mapping[Axis, tuple[Interval, ...]]  # all sources together
    cursors: Mapping[str, tuple[int, str]]  # source -> (place, cursor)
    waiting: tuple[Interval, ...]  # gaps that are not due for another try
    ok: int | None
    tried: int
    failing: int | None
    source: str
    complete_time: int | None
    error: str
    axis: Axis
    gaps: int  # parts of the list that could not be read, still open
    joined: int | None = None  # from this place on the list is read chain-wide
    unread: tuple[Interval, ...] = ()  # all open gaps, due for another try or not
    missed: tuple[Interval, ...] = ()  # what the chain-wide reading could not read there
    complete_to: int | None = None  # the newest place that a complete read reached
    # Of a list that is read chain-wide: no source lists what lies below for the address itself.
    below_unserved: bool = False
    below_time: int | None = None  # where it is read by whole blocks: see scope.Joined
    shown: str = ""  # by whole blocks without this list: what balances show of it (`SHOWN`)

    def joined_on(self, axis: Axis) -> int | None:
        """From which place of an axis on the list is read chain-wide."""
        if self.joined is None or self.below_time is None or axis.by_block:
            return self.joined
        return (self.below_time + 1) * axis.grain

    @property
    def unserved(self) -> bool:
        """No configured source can serve this stream: blind by configuration."""
        return self.error.startswith(UNSERVED)


def shown_by(names: Sequence[str]) -> str:
    """What is noted of a list that balances show: `names` list it for single addresses."""
    if not names:
        return f"{SHOWN}: nobody can be asked what"
    return f"{SHOWN}: {' and '.join(names)} {'is' if len(names) == 1 else 'are'} asked what"


def from_its_block(state: StreamState) -> str:
    """Of a list that is read with its chain, where no source lists what lies below."""
    return f"read from block {state.joined} on; no configured source lists what moved before."


# What balances do not show either.
CANCELS = "what comes and leaves again between two looks at a balance is not seen"


def who_is_asked(shown: str) -> str:
    """Who is asked what moved, of what `shown_by` noted: "etherscan is asked what"."""
    return shown.rpartition(": ")[2]


def is_asked(shown: str) -> bool:
    """Whether anybody is."""
    return shown != shown_by(())


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading one stream of a scope went in this poll."""

    stream: str
    ok: bool
    source: str = ""
    axis: str = ""
    complete_to: int | None = None
    complete_time: int | None = None
    error: str = ""
    cursor: tuple[str, int, str] | None = None  # (source, place, cursor) of unfinished history
    read: Interval | None = None  # what was read in full; a cursor into it is done with
