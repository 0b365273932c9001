"""What holding every address against its chain costs, and how often it can be done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.decide.balance_cost import BalanceCost
from monitor.model import Chain
from monitor.model.plain import count, duration, plural

DAY = 86_400


def words(found: BalanceCost, entries: int, chains: Mapping[str, Chain]) -> str:
    """How often, in how many calls of whom, and where nobody says what addresses hold."""
    said = list(_said(found, entries, chains))
    if not said:
        return "nothing is held against a chain: no address is watched"
    return " ".join(f"{each[:1].upper()}{each[1:]}." for each in said)


def _said(found: BalanceCost, entries: int, chains: Mapping[str, Chain]) -> Iterator[str]:
    if found.calls:
        who = count(found.addresses, "address is", "addresses are")
        often = "once a day" if found.every <= DAY else f"every {duration(found.every)}"
        yield f"{who} held against the chain about {often}, and after news once it is final"
        calls = sum(found.calls.values())
        by = ", ".join(f"{name} {number:,}" for name, number in found.calls.items())
        each = calls / max(1, entries) * DAY / found.every
        yield f"{plural(calls, 'call')} a round ({by}): {each:.2g} an entry and day"
    if found.narrowest:
        yield (
            f"more often {found.narrowest} does not allow, of whose budget passes leave "
            f"{plural(found.room, 'call')} a day for that"
        )
    if found.without:
        names = ", ".join(chains[key].name for key in found.without)
        yield f"no source says what addresses hold on {names}"
