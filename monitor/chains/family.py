"""What a family of chains is: one frozen value, of which everything is asked that differs by
family. One file for each family makes one; table.py lists them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from monitor.chains.sinks import Sink
from monitor.model import Axis, Chain


class AddressError(ValueError):
    """Not an address of this chain: `reason` and `remedy` are for the person who wrote it."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Form(Enum):
    """How a text stands to a chain, where nothing else says which chain is meant."""

    PREFERRED = "an address as the chain's own programs write it, and no other chain's"
    SHARED = "an address of every chain of the family"
    LEGACY = "another spelling, which may be another chain's own"
    FOREIGN = "no address of this chain"


@dataclass(frozen=True, slots=True)
class Stream:
    """A list of an address that sources give, in words for people."""

    words: str
    short: str  # two lists may share it: "tokens"


def _as_written(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of chains. Where chains of a kind differ, their rows of the table say how."""

    key: str  # as config/chains.yaml has it
    called: str  # its best known chain: "a chain of Ethereum's kind"
    axis: Axis  # what its lists are read along
    streams: Mapping[str, Stream]  # the lists of an address, in the order they are told in
    atomic: bool  # a transaction is judged by what it leaves an address with, fees included
    signed: str  # the list in which all that an address signed has a fee; empty: there is none
    can_fail: bool  # a transaction may stand in a block and have moved nothing
    amount_max: int  # base units that one movement can have
    # Raises AddressError; without a remedy where the chain may be the mistake.
    canonical: Callable[[Chain, str], str]
    form: Callable[[Chain, str], Form]
    resembles: Callable[[Chain, str], bool]  # begins like an address of the chain
    nobodys: Callable[[str], Sink | None]  # why a canonical address is nobody's
    not_listed: tuple[str, ...]  # what no list holds, of chains that do not say it themselves
    hints: Mapping[str, re.Pattern[str]]  # "a Tron address" -> what looks like one
    display: Callable[[str], str] = _as_written  # of a canonical address, for people
    forgiving: Callable[[str], str] = _as_written  # to be looked up, not to be watched
    anybodys: Callable[[str], str] = lambda _: ""  # why its coins are for all to take
    is_test: Callable[[Chain], bool] = lambda _: False  # by its addresses
    respells: Callable[[Chain], bool] = lambda _: False  # one script had several addresses
    elsewhere: Callable[[Chain], str] = lambda _: ""  # where else the owner's funds may be
    zero: str = ""  # tokens are created from it and destroyed by it
    # Whether lists tell less of a fee than was paid.
    fees_in_part: Callable[[Chain], bool] = lambda _: False
    numbered: bool = False  # its chains have an id, and none goes without
    wraps: bool = False  # a contract may wrap the coin without a transfer
    # Lists that are read only where a balance says that something is missing in the others.
    more: Mapping[str, Stream] = field(default_factory=dict)
    has_more: Callable[[Chain, str], bool] = lambda *_: True  # whether a chain has such a list
    cure: str = "another source for this chain in config/sources.yaml"  # of lists nobody serves
