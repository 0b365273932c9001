"""How soon an address is held against its chain again, and who goes first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.model import Chain, Subject
from monitor.model.balance import Waiting

SEVERE_EVERY = 6 * 3600  # seconds, where the budget of calls has room
NEWS_EVERY = 3600  # seconds between two times at least, however often an address moves
CLOCK = 3600  # seconds by which it may have been put right
FINAL_WITHIN = 86_400  # seconds: rows that take longer are held against the chain in their turn


def in_order(
    waiting: Iterable[Waiting], chains: Mapping[str, Chain], now: int
) -> tuple[list[Subject], list[Subject]]:
    """Whose turn it is now: the severe first, then those with news, then who has waited longest;
    of both of the first those that the newest blocks touch before the others.
    Then those that are held against their chain more often only where there is room for it."""
    turn: list[tuple[int, int, Subject]] = []
    more: list[tuple[int, Subject]] = []
    for each in waiting:
        subject = each.subject
        if subject.chain not in chains:
            continue
        ahead = each.held is not None and each.held > now + CLOCK  # our clock went back since
        if each.touched:
            turn.append((0 if each.severe else 1, 0, subject))
        elif each.held is None or each.due <= now or ahead:
            turn.append((0 if each.severe else 2, each.due, subject))
        elif _moved(each, chains[subject.chain], now):
            turn.append((1, each.due, subject))
        elif each.severe and each.held + SEVERE_EVERY <= now:
            more.append((each.held, subject))
    return [subject for *_, subject in sorted(turn)], [subject for _, subject in sorted(more)]


def _moved(each: Waiting, chain: Chain, now: int) -> bool:
    """Whether something was told of it since, and its rows are final by now."""
    if each.held is None or each.news is None:
        return False
    final = each.news + min(FINAL_WITHIN, int(chain.finality * chain.block_time) + 60)
    return each.held < final <= now and each.held + NEWS_EVERY <= now
