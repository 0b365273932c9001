"""What attribution costs: movements between addresses, what of each is traced by all six methods,
beside one pass over the same movements in plain Python (balances in a dictionary; and one
method, FIFO, over lists). And how it grows.

python benchmarks/attribution.py [--addresses 5000] [--movements 100000] [--sources 3] [--json FILE]

Movements are invented: of twenty one comes from a source and two come clean from outside, the
others pay on some of what an address holds, or all of it. So nearly all is mixed in the end, which
is the most that there can be to keep. A tenth of the movements over as many addresses leaves half
of them clean; over a tenth of the addresses it is as mixed as the whole, and growth is that of
equal work.
"""

from __future__ import annotations

import multiprocessing
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from common import Usage, arguments, show

if TYPE_CHECKING:
    from monitor.model.flow import Ground, Moved

# A process is started anew for each figure, so that memory is its own.
_FRESH = multiprocessing.get_context("spawn")
Shape = tuple[int, int, int]  # movements, addresses, sources


def invent(shape: Shape) -> tuple[list[Moved], Ground]:
    """The same for the same numbers."""
    from monitor.model.flow import Account, Ground, Moved

    movements, addresses, sources = shape
    dice = random.Random(12)
    accounts = [Account("ethereum", f"0x{n:040x}", "") for n in range(addresses)]
    givers = [Account("ethereum", f"source {n}", "") for n in range(sources)]
    outside = Account("ethereum", "outside", "")
    held = dict.fromkeys(accounts, 0)
    found: list[Moved] = []
    while len(found) < movements:
        kind, taker = dice.randrange(20), dice.choice(accounts)
        usd = None
        giver = givers[len(found) % sources] if kind == 0 else outside
        amount = dice.randrange(1, 10**20)
        if kind == 0:
            usd = amount * 2_000 // 10**12
        elif kind > 2:
            giver = dice.choice(accounts)
            amount = held[giver] if kind == 3 else held[giver] * dice.randrange(100) // 100
            held[giver] -= amount
        held[taker] += amount
        if amount and giver != taker:
            found.append(Moved(str(len(found)), giver, taker, amount, usd))
        else:
            held[taker] -= amount
            held[giver] = held.get(giver, 0) + amount
    return found, Ground({each: each.holder for each in givers}, frozenset({outside}))


# -- what is measured ----------------------------------------------------------------------


def replay(movements: Sequence[Moved], ground: Ground) -> int:
    """All six methods; how many movements have anything traced."""
    from monitor.analysis.attribution.replay import Replay

    result = Replay().run(movements, ground)
    return sum(outcome is not None for outcome in result.outcomes)


def going_on(movements: Sequence[Moved], ground: Ground) -> Callable[[], int]:
    """Once more, with a movement of a source put in a thousand before the end."""
    from monitor.analysis.attribution.replay import Replay

    kept = Replay()
    kept.run(movements, ground)
    source = next(each for each in movements if each.giver in ground.sources)
    at = max(0, len(movements) - 1000)
    later = [*movements[:at], source, *movements[at:]]
    return lambda: len(kept.run(later, ground).outcomes)


def balances(movements: Sequence[Moved], ground: Ground) -> int:
    """Plain Python: what everybody holds."""
    held: dict[object, int] = defaultdict(int)
    for each in movements:
        if each.giver not in ground.sources and each.giver not in ground.stops:
            held[each.giver] -= int(each.amount)
        held[each.taker] += int(each.amount)
    return len(held)


def fifo(movements: Sequence[Moved], ground: Ground) -> int:
    """Plain Python: lots in lists, one method, amounts alone."""
    lots: dict[object, list[tuple[object, int]]] = defaultdict(list)
    traced = 0
    for each in movements:
        rest, slices = int(each.amount), []
        if each.giver in ground.sources or each.giver in ground.stops:
            slices, rest = [(ground.sources.get(each.giver), rest)], 0
        mine = lots[each.giver]
        while rest:
            label, amount = mine.pop(0)
            part = min(amount, rest)
            rest -= part
            slices.append((label, part))
            if part < amount:
                mine.insert(0, (label, amount - part))
        lots[each.taker] += slices
        traced += any(label is not None for label, _ in slices)
    return traced


# -- measuring -----------------------------------------------------------------------------

WAYS = {"replay, all six": replay, "balances in a dict": balances, "FIFO over lists": fifo}


def measure(way: str, shape: Shape) -> dict[str, object]:
    """In a process of its own: CPU seconds, and MiB that are held more than before at the most."""
    movements, ground = invent(shape)
    if way == "going on":
        again = going_on(movements, ground)
    else:
        again = lambda: WAYS[way](movements, ground)  # noqa: E731
    before = Usage.now()
    found = again()
    after = Usage.now()
    return {
        "way": way,
        "movements": shape[0],
        "addresses": shape[1],
        "traced": found if way == "replay, all six" else None,
        "CPU s": round(after.cpu - before.cpu, 3),
        "us a movement": round((after.cpu - before.cpu) / shape[0] * 1e6, 1),
        "MiB": round(after.peak - before.rss, 1),
    }


def main() -> None:
    parser = arguments(__doc__ or "", addresses=5000, movements=100_000, sources=3)
    args = parser.parse_args()
    figures = []
    tenth = max(1, args.movements // 10)
    for movements, addresses in (
        (tenth, args.addresses),  # of which half is clean: less work a movement
        (tenth, max(2, args.addresses // 10)),  # as mixed as the whole: the same work a movement
        (args.movements, args.addresses),
    ):
        for way in (*WAYS, "going on"):
            with _FRESH.Pool(1) as process:
                shape = (movements, addresses, args.sources)
                figures.append(process.apply(measure, (way, shape)))
    show(figures, args.json)


if __name__ == "__main__":
    main()
