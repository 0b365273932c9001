"""Whether a source's word on the newest block can be built upon. Pure.

A head proves up to where the lists were read, so a false one would blind an address. Our
clock, the chain's pace and the other sources make a head unlikely, never false: its rows
are taken, but nothing is booked on it until a later pass or another source stands by it.
Only the source itself can contradict a head: with another hash for a block that was final,
or by falling back further than a lagging node does. Then all that was booked since the
last head that still stands is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from monitor.model import Axis, Chain, Head
from monitor.model.axis import blocks_for
from monitor.model.heads import Fault, HeadReport, Kept
from monitor.model.plain import utc
from monitor.model.plan import Signal

KEEP = 16  # heads of one source
AHEAD = 7200  # seconds that a block's time may run ahead of ours (Bitcoin's own rule)
SLACK = 3600  # seconds' worth of blocks that may come at any pace
LAG = 30  # seconds that a node may be behind another, however fast its chain is final
RIPE = 60  # seconds after which a source can stand by a doubted head in the same pass
AGAIN = 2 * 86_400  # seconds before the oldest head that is kept, where a lie may have begun then
DOUBT_HOLD = 600  # seconds after which operations hear that a source is not believed
PASSING = 3600  # seconds for which answers for another chain may last and pass again
FIRST_BLOCK = 1_230_940_800  # no chain has blocks from before this time

BEYOND = 2**50  # no height or time is higher; its milliseconds still fit into the record
CASES_SHOWN = 20
ENTRIES_NAMED = 1000  # in what machines get of an incident


def unlikely(head: Head, known: Sequence[Kept], own: Sequence[Kept], now: int, chain: Chain) -> str:
    """Why a head should not be built upon yet, in words; empty where nothing speaks against it.

    `own` are the believed heads of the source itself, oldest first, `known` the newest
    believed ones of all sources.
    """
    ahead = max([0, *(kept.head.time - kept.at for kept in own[-1:])])
    if head.time > now + ahead + AHEAD:
        return f"the time of block {head.height} is over {AHEAD // 3600} h ahead of our clock"
    best = max(known, key=lambda kept: kept.head.height, default=None)
    if best is None:
        if head.height > blocks_for(max(0, now - FIRST_BLOCK), chain):
            return f"{chain.name} cannot have {head.height} blocks yet at its pace"
        return ""
    seconds = max(0, now - best.at, head.time - best.head.time) + SLACK
    pace = max(blocks_for(seconds, chain), _measured(own) * seconds)
    if head.height - best.head.height > chain.finality + pace:
        return f"block {head.height} comes too soon after block {best.head.height}"
    return ""


def _measured(own: Sequence[Kept]) -> int:
    """Blocks a second, twice as fast as they last came: the configured time may be wrong."""
    if len(own) < 2:
        return 0
    first, last = own[-2:]
    blocks = max(0, last.head.height - first.head.height)
    return -(-2 * blocks // max(1, last.at - first.at))


def near(head: Head, others: Iterable[Head], chain: Chain, least: int = LAG) -> bool:
    """Whether another source's head, asked now, stands by this one: it is at most finality,
    or `least` seconds where those are more, behind."""
    reach = max(chain.finality, blocks_for(least, chain))
    seconds = max(chain.finality * chain.block_time, least)
    return any(
        head.height - other.height <= reach and head.time - other.time <= seconds
        for other in others
    )


def falls(
    before: Head, after: Head, axis: Axis, chain: Chain, least: int, *, anyhow: bool = False
) -> bool:
    """Whether a source's head went back by more than finality and `least` seconds, or at
    all (`anyhow`)."""
    if anyhow:
        return axis.top(before) > axis.top(after)
    blocks = max(chain.finality, int(least / chain.block_time))
    if before.height - after.height > blocks:
        return True
    seconds = max(chain.finality * chain.block_time, least)
    return not axis.by_block and before.time - after.time > seconds


def fallen(
    source: str, kept: Sequence[Kept], head: Head, axis: Axis, chain: Chain, lag: int
) -> Fault | None:
    """The heads that a new one contradicts by lying too far below them.

    Where no block's hash can be asked for, any step back may have ended a lie that went
    further up than finality: what was booked is read again without a word. So it is with
    times, which no hash vouches for.
    """
    bare = not axis.by_block or all(k.mark is None for k in kept)
    false = [k for k in kept if falls(k.head, head, axis, chain, 0, anyhow=bare)]
    if not false:
        return None
    loud = any(falls(k.head, head, axis, chain, LAG) for k in false)
    first = next((k for k in false if not k.doubt), false[0])
    before = [k for k in kept[: kept.index(first)] if not k.doubt]
    depth = max(axis.top(k.head) for k in false) - axis.top(head)
    whole = len(kept) < KEEP
    stands = _before_the_jump([*before, first], depth, axis, whole=whole)
    found = fault(source, kept, stands, head, axis, chain, lag, loud=loud)
    if stands is None or whole or stands is not kept[0]:
        return found
    if not loud and axis.top(kept[1].head) - axis.top(stands.head) >= depth:
        return found  # a node that lags, as far as can be seen
    # The lie may be older than what is kept. What is older than a day was read again since.
    start = axis.place_of_date(stands.at - AGAIN, stands.head, chain)
    return replace(found, line=min(start, found.line or 0))


def _before_the_jump(run: Sequence[Kept], depth: int, axis: Axis, *, whole: bool) -> Kept | None:
    """The last head before a source's false ones. Those may have begun before the one that
    is known to be false: with a jump at least as deep as the fall that ended them.

    `whole`: the run holds every head that the source ever named.
    """
    for one, following in pairwise(run):
        if axis.top(following.head) - axis.top(one.head) >= depth:
            return one
    return None if whole or len(run) < 2 else run[0]


def fault(
    source: str,
    kept: Sequence[Kept],
    stands: Kept | None,
    head: Head,
    axis: Axis,
    chain: Chain,
    lag: int,
    *,
    loud: bool = True,
    reorganised: bool = False,
) -> Fault:
    """What contradicted heads take with them: all above the line of the last head that
    stands. Blocks above it came after that head, so its list cannot have held them."""
    false = kept[kept.index(stands) + 1 :] if stands else kept
    return Fault(
        source=source,
        axis=axis,
        false=tuple(k.head for k in false),
        now=head,
        since=false[0].at,
        stands=stands,
        line=axis.final_line(stands.head, chain, lag) if stands else None,
        booked=any(not k.doubt for k in false),
        loud=loud,
        reorganised=reorganised,
    )


def trimmed(kept: Sequence[Kept]) -> tuple[Kept, ...]:
    """The newest heads, and the newest of which a final block is known, however old."""
    late = tuple(kept[-KEEP:])
    if any(k.mark is not None for k in late):
        return late
    marked = [k for k in kept[:-KEEP] if k.mark is not None]
    return (*marked[-1:], *late[len(marked[-1:]) :])


def without(kept: Sequence[Kept], found: Fault) -> tuple[Kept, ...]:
    return tuple(k for k in kept if k.head not in found.false)


def stood_by(kept: Sequence[Kept], turn: int, now: int) -> tuple[Kept, ...]:
    """Kept heads after their source stood by them: old doubts are dropped."""
    return tuple(replace(k, doubt="") if _ripe(k, turn, now) else k for k in kept)


def waiting(kept: Sequence[Kept], turn: int, now: int) -> Kept | None:
    """The newest doubted head that a later word can confirm now."""
    return next((k for k in reversed(kept) if _ripe(k, turn, now)), None)


def _ripe(kept: Kept, turn: int, now: int) -> bool:
    """Whether a doubted head is of an earlier pass; a pass may be long."""
    return bool(kept.doubt) and (kept.turn != turn or now - kept.at >= RIPE)


def lasting_doubt(kept: Sequence[Kept]) -> str:
    """Why nothing is booked on a source's newest block, where a later word of its own has not
    helped; or empty."""
    return kept[-1].doubt if len(kept) > 1 and kept[-2].doubt else ""


def believed(kept: Sequence[Kept]) -> tuple[Kept, ...]:
    return tuple(k for k in kept if not k.doubt)


def foreign(told: HeadReport, known: Iterable[HeadReport]) -> HeadReport | None:
    """The word on the same block that says otherwise and has the longer standing.

    A source that answered for another chain when it was first asked is believed once it has
    stood by its right word for longer than by the wrong one, and for over an hour: passing
    answers for another chain must never count.
    """
    others = [w for w in known if w.height == told.height and w.block_hash != told.block_hash]
    same = [w for w in known if w.height == told.height and w.block_hash == told.block_hash]
    ours = max(w.stood for w in [told, *same])
    best = max(others, key=lambda w: (w.stood, -w.since), default=None)
    return best if best is not None and max(best.stood, PASSING) >= ours else None


# -- what people are told ------------------------------------------------------------------


Concerned = Sequence[tuple[str, str]]  # active entries: (id, case id)


def fault_signal(found: Fault, chain: Chain, entries: Concerned) -> Signal:
    """Told to operations: a list was counted as read up to a block that is not there.
    `entries`: those of which something is taken back."""
    return Signal(
        key=f"head:{chain.key}/{found.source}",
        bad=True,
        severity="high",
        what=f"{_contradiction(found, chain)} {_taken_back(entries)}",
        cure="Nothing needs to be done for the record. If it comes again, take this source out of "
        "the chain's list in config/chains.yaml or put it last.",
        chain=chain.key,
        who=tuple(entry for entry, _ in entries[:ENTRIES_NAMED]),
    )


def _contradiction(found: Fault, chain: Chain) -> str:
    """What a source said before and says now."""
    highest = max(head.height for head in found.false)
    if found.reorganised:
        return (
            f"{found.source} shows other blocks of {chain.name} than before, up to block "
            f"{highest:,}, though they were final: the chain was reorganised deeply, or another "
            "chain had answered."
        )
    if highest - found.now.height > chain.finality:
        return (
            f"{found.source} named block {highest:,} as the newest of {chain.name} and now block "
            f"{found.now.height:,}: more than a node's lag."
        )
    latest = max(head.time for head in found.false)
    return (
        f"{found.source} said that the newest block of {chain.name} is of {utc(latest)}, and now "
        f"that it is of {utc(found.now.time)}."
    )


def _taken_back(entries: Concerned) -> str:
    if not entries:
        return "Nothing had been counted as read because of it."
    return (
        "What had been counted as read because of it is taken back and read again, for "
        f"{_named(entries)}."
    )


def _named(entries: Concerned) -> str:
    """ "2 entries (cases A, B)": never a label, a reason or an address."""
    cases = sorted({case for _, case in entries if case})
    shown = ", ".join(cases[:CASES_SHOWN]) + (" and more" if len(cases) > CASES_SHOWN else "")
    count = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
    return f"{count} (cases {shown})" if cases else count


def foreign_signal(source: str, why: str, chain: Chain, entries: Concerned) -> Signal:
    """Told to operations: a source's answers are of another chain."""
    return Signal(
        key=f"foreign:{chain.key}/{source}",
        bad=True,
        severity="high",
        what=f"{why}. Nothing that {source} says of {chain.name} is taken until it shows the "
        f"chain that was read before. On this chain are {_named(entries)}.",
        cure="Look at the block on another explorer. If it comes again, take this source out of "
        "the chain's list in config/chains.yaml.",
        chain=chain.key,
        who=tuple(entry for entry, _ in entries[:ENTRIES_NAMED]),
    )


def doubt_signal(source: str, why: str, chain: Chain, entries: Concerned) -> Signal:
    """Told to operations: what a source shows is taken, and nothing counts as read by it.
    `why` is empty once its word is believed."""
    return Signal(
        key=f"doubt:{chain.key}/{source}",
        bad=bool(why),
        severity="high",
        hold=DOUBT_HOLD,
        settle=DOUBT_HOLD,
        what=f"{source} is not believed about the newest block of {chain.name}: {why}. What it "
        "lists is told, but nothing counts as read because of it. On this chain are "
        f"{_named(entries)}.",
        cure="Look at the block on another explorer. If it lasts, put another source before this "
        "one in the chain's list in config/chains.yaml.",
        chain=chain.key,
        who=tuple(entry for entry, _ in entries[:ENTRIES_NAMED]),
    )
