"""In which order things happened where the chain says it in part: rows of a transaction,
transactions of a moment. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

from monitor.model.flow import Account

Key = tuple[int, int, str, str]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that takes from accounts and gives to others, and where it stands.

    Of one `lane` a lower `level` comes first, and in the same level a lower `seq`; None: not
    known. Where nothing else says it, `key` decides.
    """

    key: Key
    gives: frozenset[Account]  # accounts that it takes from
    takes: frozenset[Account]  # accounts that it pays into
    lane: str = ""
    level: int | None = None
    seq: tuple[int, ...] | None = None
    certain: bool = False  # what it spends was there before: an output


def both_ways(items: Sequence[Item]) -> tuple[list[int], list[int]]:
    """Places in `items`, in order. What the chain says is kept; where it says nothing, what an
    account gets comes before all that it gives, or else (the second) after it, as far as there is
    no circle."""
    wide = arrange(items, deposits_first=True)
    given = {account for item in items for account in item.gives}
    doubtful = any(
        account in given and not item.certain for item in items for account in item.takes
    )
    return wide, arrange(items, deposits_first=False) if doubtful else wide


def arrange(items: Sequence[Item], *, deposits_first: bool) -> list[int]:
    """One of both ways."""
    graph = _Graph(len(items))
    _by_chain(graph, items)
    _by_account(graph, items, deposits_first=deposits_first)
    return graph.walk([item.key for item in items])


def _by_chain(graph: _Graph, items: Sequence[Item]) -> None:
    lanes: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for n, item in enumerate(items):
        if item.level is not None:
            lanes[item.lane][item.level].append(n)
    for levels in lanes.values():
        ordered = [levels[level] for level in sorted(levels)]
        for group in ordered:
            told = [n for n in group if items[n].seq is not None]
            told.sort(key=lambda n: (items[n].seq or (), items[n].key))
            for before, after in pairwise(told):
                graph.after((before,), (after,), firm=True)
        for group, following in pairwise(ordered):
            graph.after(group, following, firm=True)


def _by_account(graph: _Graph, items: Sequence[Item], *, deposits_first: bool) -> None:
    paid: dict[Account, list[int]] = defaultdict(list)
    taken: dict[Account, list[int]] = defaultdict(list)
    certain: set[Account] = set()
    for n, item in enumerate(items):
        for account in item.takes - item.gives:
            paid[account].append(n)
        for account in item.gives:
            taken[account].append(n)
        if item.certain:
            certain |= item.takes
    for account in sorted(paid.keys() & taken.keys()):
        pair = (paid[account], taken[account])
        if account not in certain and not deposits_first:
            pair = (taken[account], paid[account])
        graph.after(*pair, firm=account in certain)


class _Graph:
    """Nodes are items, then joints: one stands between all of a group and all that come after."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._next: list[list[tuple[int, bool]]] = [[] for _ in range(items)]
        self._firm = [0] * items  # how many are waited for, in any case ...
        self._soft = [0] * items  # ... and where there is no circle

    def after(self, before: Iterable[int], following: Iterable[int], *, firm: bool) -> None:
        joint = len(self._next)
        self._next.append([])
        self._firm.append(0)
        self._soft.append(0)
        for n in before:
            self._link(n, joint, firm=True)
        for n in following:
            self._link(joint, n, firm=firm)

    def _link(self, before: int, following: int, *, firm: bool) -> None:
        self._next[before].append((following, firm))
        (self._firm if firm else self._soft)[following] += 1

    def walk(self, keys: Sequence[Key]) -> list[int]:
        by_rank = sorted(range(self._items), key=keys.__getitem__)
        rank = {n: place for place, n in enumerate(by_rank)}
        free: list[int] = []  # nothing is waited for
        stuck: list[int] = []  # only what a circle may hold up
        done = [False] * self._items
        order: list[int] = []

        def settle(n: int) -> None:
            if n >= self._items:
                if not self._firm[n]:
                    release(n)
            elif not self._firm[n]:
                heappush(stuck if self._soft[n] else free, rank[n])

        def release(n: int) -> None:
            for following, firm in self._next[n]:
                (self._firm if firm else self._soft)[following] -= 1
                settle(following)

        for n in range(self._items):
            settle(n)
        while free or stuck:
            n = by_rank[heappop(free or stuck)]
            if not done[n]:
                done[n] = True
                order.append(n)
                release(n)
        return order
