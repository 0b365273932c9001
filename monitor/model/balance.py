"""Balances as a second witness: what chains say that addresses hold, held against the record.

Amounts are in base units. Heights are blocks of the chain, times Unix seconds in chain time
unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.axis import Head
from monitor.model.watch import Subject

COIN = ""  # stands for the contract of the chain's own coin
# With this begins why a token with shares has no verdict; the next one is reached from this figure.
REBASING = "rebasing"
# With this why something cannot be held against the chain whose history has not been read.
NOT_COMPLETE = "history not complete"
# So of a coin whose history is not complete: what moves from this figure on is held against it.
OPENING = f"{NOT_COMPLETE}: what moves from here on is held against this figure"
AGAIN = " again at block "  # in a figure's `second`: between the same source and the later block


@dataclass(frozen=True, slots=True, order=True)
class Holding:
    """One asset of one address of a chain.

    `shares`: the function of a rebasing token's contract that tells shares; they are then meant,
    and not the amount that they are worth at the moment.
    """

    address: str
    contract: str = COIN
    shares: str = ""


@dataclass(frozen=True, slots=True)
class BalanceWord:
    """What one source said of holdings.

    It was so at some block from `low` to `high`; both are the same block where the source was
    asked for that block's state. Each holding stands in `said` or in `unsaid` (why not, in
    words). Where more is known of a holding, its own blocks are in `own`, and count: closer ones,
    or that of an answer that names one, which may be long before. `undated`: what comes out of an
    index that may be old and does not say so. Of unconfirmed transactions it holds nothing.
    `calls`: requests made.
    """

    source: str
    low: Head
    high: Head
    said: Mapping[Holding, int]
    unsaid: Mapping[Holding, str]
    calls: int = 0
    own: Mapping[Holding, tuple[Head, Head]] = field(default_factory=dict)
    undated: frozenset[Holding] = frozenset()


@dataclass(frozen=True, slots=True)
class Figure:
    """What the chain says of one asset of one address: one source's word, kept.

    Later rows of its blocks change what is recorded up to it, and never the figure: so what lists
    bring late explains a difference without another call.
    """

    subject: Subject
    contract: str
    low: int
    high: int
    time: int  # of the block `high`
    amount: int
    source: str
    at: int  # by our clock
    block_hash: str = ""  # of `high`, where low is high
    second: str = ""  # another source, or the same one later, that says the same
    shares: str = ""  # the function of the token's contract that told them: `amount` counts shares
    low_time: int | None = None  # of the block `low`; None: that of `high`
    dated: bool = True  # else it may be older than its blocks: by itself it proves no difference


class State(StrEnum):
    """How the record stands to the chain."""

    RECONCILED = "reconciled"
    UNEXPLAINED = "unexplained"
    CANNOT_CHECK = "cannot_check"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record holds of one asset of one address up to a figure's blocks."""

    amount: int  # up to `high`
    moving: bool = False  # rows lie above `low`, or are not decided yet


@dataclass(frozen=True, slots=True)
class Between:
    """Blocks: the difference is not there at `lo`, and is at `hi`."""

    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Held:
    """One asset of one address, held against the chain: a line of `fundwatch reconcile`.

    `recorded` and `on_chain` are None where nobody knows. `verified`: the coin or a token of
    config/assets.yaml; only of these a difference is ever told.
    """

    subject: Subject
    contract: str
    symbol: str
    decimals: int | None
    verified: bool
    state: State
    # Why it cannot be checked; of a difference how it stands with it, and below that, one a line,
    # what was looked through.
    reason: str = ""
    height: int | None = None
    time: int | None = None
    recorded: int | None = None
    on_chain: int | None = None
    between: Between | None = None
    source: str = ""
    second: str = ""
    at: int = 0  # by our clock
    in_shares: bool = (
        False  # both amounts count shares of a rebasing token, not what they are worth
    )

    @property
    def difference(self) -> int | None:
        """On the chain, less what is recorded; None where one of them is not known."""
        if self.recorded is None or self.on_chain is None:
            return None
        return self.on_chain - self.recorded

    @property
    def alone(self) -> bool:
        """Whether one source alone says what is on the chain, be it twice."""
        return not self.second or self.second.startswith(f"{self.source}{AGAIN}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A watched address as it waits for being held against its chain. Times by our clock."""

    subject: Subject
    severe: bool
    held: int | None  # when it last was; None: never
    due: int
    news: int | None = None  # when something was last told of it
    touched: bool = False  # by the newest blocks, which do not hold all that moves
