"""Who can freeze or destroy a token at an address, and what the contract writes when it is done.

Such an act writes no Transfer, so no list of transfers holds it. Pure: config/issuers.yaml
to values, and the events by family of contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model import Chain, Issuer, Kind


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its first argument is the address, as a topic or in the data, its second the
    amount where there is one. `moves`: the amount stands in no Transfer of the transaction."""

    name: str
    topic: str  # keccak-256 of the signature
    kind: Kind
    has_amount: bool = False
    moves: bool = False


# By family of contracts. Those of "tether-2" destroy by the usual burning, which is a Transfer
# to nobody: counted from the event as well, the money would be gone twice.
FAMILIES: Mapping[str, tuple[Event, ...]] = {
    "tether": (
        Event(
            "AddedBlackList",
            "0x42e160154868087d6bfdc0ca23d96a1c1cfa32f1b72ba9ba27b69b98a0d819dc",
            Kind.FROZEN,
        ),
        Event(
            "RemovedBlackList",
            "0xd7e9ec6e6ecd65492dce6bf513cd6867560d49544421d0783ddf06e76c24470c",
            Kind.RELEASED,
        ),
        Event(
            "DestroyedBlackFunds",
            "0x61e6e66b0d6339b2980aecc6ccc0039736791f0ccde9ed512e789a7fbdd698c6",
            Kind.DESTROYED,
            has_amount=True,
            moves=True,
        ),
    ),
    "tether-2": (
        Event(
            "BlockPlaced",
            "0x406bbf2d8d145125adf1198d2cf8a67c66cc4bb0ab01c37dccd4f7c0aae1e7c7",
            Kind.FROZEN,
        ),
        Event(
            "BlockReleased",
            "0x665918c9e02eb2fd85acca3969cb054fc84c138e60ec4af22ab6ef2fd4c93c27",
            Kind.RELEASED,
        ),
        Event(
            "DestroyedBlockedFunds",
            "0x6a2859ae7902313752498feb80a014e6e7275fe964c79aa965db815db1c7f1e9",
            Kind.DESTROYED,
            has_amount=True,
        ),
    ),
    "circle": (
        Event(
            "Blacklisted",
            "0xffa4e6181777692565cf28528fc88fd1516ea86b56da075235fa575af6a4b855",
            Kind.FROZEN,
        ),
        Event(
            "UnBlacklisted",
            "0x117e3210bb9aa7d9baff172026820255c6f6c30ba8999d1c2fd88e2848137c4e",
            Kind.RELEASED,
        ),
    ),
    "paxos": (
        Event(
            "AddressFrozen",
            "0x90811a8edd3b3c17eeaefffc17f639cc69145d41a359c9843994dc2538203690",
            Kind.FROZEN,
        ),
        Event(
            "AddressUnfrozen",
            "0xc3776b472ebf54114339eec9e4dc924e7ce307a97f5c1ee72b6d474e6e5e8b7c",
            Kind.RELEASED,
        ),
        Event(
            "FrozenAddressWiped",
            "0xfc5960f1c5a5d2b60f031bf534af053b1bf7d9881989afaeb8b1d164db23aede",
            Kind.DESTROYED,
        ),
    ),
}


def events(issuer: Issuer) -> tuple[Event, ...]:
    """What the contract may write, over all its families."""
    return tuple(event for family in issuer.families for event in FAMILIES[family])


def topics(chain: Chain) -> list[str]:
    """Topics of every event of a chain's issuers, each once, in a fixed order."""
    return list(dict.fromkeys(e.topic for issuer in chain.issuers for e in events(issuer)))
