"""What a case asks for where its money is followed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """`follow:` of a case, and what persons said of its limits since."""

    hops: int = 10  # the watched addresses are 0; nothing is asked about one that is further away
    min_usd: str = "25"  # a movement with less traced value is summed up, not followed
    min_share: str = "0.0005"  # of what left the watched addresses: less to one receiver
    addresses: int = 300  # followed addresses
    calls: int = 2500  # for finding new addresses, from one person's yes to the next
    calls_per_day: int = 1000  # for watching where value rests
    ask_after: int | None = 50  # addresses after which a person is asked; None: never
    tell_usd: str = "1000"
    sources: tuple[str, ...] = ()  # who may be asked about it; none: as the chain
    since: str = "first"  # outflows of the watched addresses from here on; "first": each entry's

    # Limits that a person may raise by command, with a reason.
    LIMITS = ("hops", "addresses", "calls", "calls_per_day")
