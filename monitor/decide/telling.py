"""When what no list explains is told, to whom, and how loudly. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.decide import voices
from monitor.model import Severity, Watched
from monitor.model.balance import Figure
from monitor.model.finding import Finding

HOLD = 6 * 3600  # seconds for which lists that may be late are waited for
HOLD_MOST = 24 * 3600
MANY = 5  # addresses of a chain that differ at once: more likely one cause
FEES_MOST = 1000  # times the fees that lists tell: what was paid in all is less
SHARE = 3  # ... where they are more than one in so many


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of a finding besides itself."""

    final: bool  # the block of its newer figure is
    past: bool  # every list in which it would stand is known to be past that block
    late: int  # seconds by which these lists have been seen to be late
    behind: str = ""  # a list that is known not to be, in words
    stale: bool = False  # one source alone says it, and said what had been so before


def waits_for(finding: Finding, ground: Ground, now: int) -> str:
    """Why a finding is not told yet, in words; empty: it is time."""
    if not finding.looked:
        return "its blocks are still to be read again"
    if not ground.final:
        return f"block {finding.after.high:,} can still be replaced"
    if not finding.after.second:
        return f"{_may_be_old(finding.after)}nobody else has said the same balance yet"
    since = min(finding.found, finding.after.time)  # of an older block lists had their time
    wait = HOLD_MOST if ground.behind else hold(ground.late)
    if now >= since + wait:
        return ""
    if not ground.past:
        return ground.behind or "lists may be behind the balance"
    if ground.stale:
        return f"{finding.after.source} alone says it, and it was so before: it may be old"
    return ""


def _may_be_old(figure: Figure) -> str:
    old = f"{figure.source} does not say how old its balance is, and "
    return "" if figure.dated else old


def hold(late: int) -> int:
    """Seconds for which a row is waited for."""
    return min(HOLD + max(0, late), HOLD_MOST)


def only_fees(amount: int, paid: int) -> bool:
    """Whether what is missing, in base units of the coin, can be what the fees recorded there,
    `paid`, leave out: on some rollups lists tell less than was paid, and receipts do not always
    tell the rest. What a chain pays its parent is far more than its own part, but not without
    bounds."""
    return 0 < -amount <= FEES_MOST * paid


def one_cause(differing: int, checked: int) -> bool:
    """Whether so many addresses of a chain differ at once that one cause is likely."""
    return differing >= MANY and differing * SHARE > checked


def severity(finding: Finding, watched: Watched) -> Severity:
    """Less on the chain than recorded is as urgent as the entry, what is held more than that; what
    came in besides, and what all lay before the address was watched, is medium at most."""
    entry, baseline = watched.entry, watched.baseline
    found = voices.severity(entry, ())
    before = baseline is None or finding.blocks.hi <= baseline.height
    if finding.amount < 0 and not before:
        return Severity.SEVERE if entry.held else found
    return Severity.MEDIUM if found.urgent else found


def speakers(watched: Iterable[Watched]) -> list[tuple[Watched, Sequence[Watched]]]:
    """The entries that tell of it, each with those of published lists for whom it speaks: people's
    own each for itself, else one of the lists' for all."""
    active = [w for w in watched if w.active and not w.entry.canary]
    listed = [w for w in active if w.entry.origin is not None]
    people = [w for w in active if w.entry.origin is None]
    if people:
        return [(w, listed) for w in people]
    listed.sort(key=lambda w: voices.weight(w.entry))
    return [(w, listed) for w in listed[:1]]
