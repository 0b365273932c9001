"""What attribution works on: movements between accounts in one order, and what of each came from
where. Amounts are in base units, USD in millionths, both integers (fractions in exact work).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

# Side by side, always all of them. `poison` is a flag and does not conserve.
METHODS = ("poison", "tainted_first", "haircut", "fifo", "lifo", "libr")
CONSERVING = METHODS[1:]
METHOD_SAID = {  # as people say them
    "poison": "reached",
    "tainted_first": "tainted first",
    "haircut": "haircut",
    "fifo": "FIFO",
    "lifo": "LIFO",
    "libr": "LIBR",
}

Number = int | Fraction


class Account(NamedTuple):
    """One asset of one address; of a UTXO chain one output, whose holder is "txid:n"."""

    chain: str
    holder: str
    asset: str  # contract, "contract#id" of an NFT, empty: the chain's own coin


FEES = "@fee"  # holder of what a chain's fees took
# Ends the label of what a source paid without a price. It is the same source, which poison counts
# once.
UNPRICED = "?"


@dataclass(frozen=True, slots=True)
class Moved:
    """One asset went from one account to another. `usd`: what all of it was worth, needed where
    a source gives."""

    id: str
    giver: Account
    taker: Account
    amount: Number
    usd: Number | None = None


@dataclass(frozen=True, slots=True)
class Turned:
    """One asset went in and another came out: swap, wrap, bridge, NFT."""

    id: str
    giver: Account
    given: Number
    taker: Account
    got: Number
    usd: Number | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """A UTXO transaction: its inputs in order, then its outputs in order; what is left over is
    the fee. An input that no `Spent` before made is clean, unless its account is a source."""

    id: str
    inputs: tuple[tuple[Account, Number], ...]
    outputs: tuple[tuple[Account, Number], ...]
    usd: Number | None = None  # of all inputs together


Flow = Moved | Turned | Spent


class Part(NamedTuple):
    """What of an amount came from a source. `usd` None: a part of it left without a price."""

    amount: Number
    usd: Number | None


# By source, what came from it: a source is an account's label in `Ground.sources`.
Shares = Mapping[str, Part]
# By method.
Traced = Mapping[str, Shares]


@dataclass(frozen=True, slots=True)
class Ground:
    """What attribution stands on beside the movements.

    `sources`: what these accounts give is traced in full, what comes back to them is absorbed.
    `stops`: what comes to these stays; what they give is clean. `openings`: clean, and the oldest;
    an account that gives more than it has had an opening balance of at least what is lacking.
    """

    sources: Mapping[Account, str]
    stops: frozenset[Account] = frozenset()
    openings: Mapping[Account, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one movement carried.

    `taken`: of what the giver gave; `got`: of what came to each taker's account (the same figures
    unless another asset came out; fees of a `Spent` under `FEES`). `before`: of all that the giver
    held, `held` of it in all. Only where anything is traced by any method, else None stands for it.
    """

    taken: Traced
    got: Mapping[Account, Traced]
    before: Traced
    held: Number
