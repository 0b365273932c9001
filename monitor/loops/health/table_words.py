"""The table of `fundwatch status`: how far the lists of each entry are read, as text. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.loops.health.snapshot import DormantStatus, ListStatus, Snapshot
from monitor.model.plain import count, duration, tidy, utc
from monitor.model.status import State
from monitor.model.streams import SHOWN

FRESH = 300  # seconds: younger complete lists are not shown unless asked for
MOST_LINES = 60  # of the table, unless asked for all
MOST_NAMED = 5  # entries of a case that stand alike and are named
BY_BALANCES = "BY BALANCES"  # of a list that nobody reads always, where these show what moved


@dataclass(frozen=True)
class _Line:
    """One line of the table: the lists of one entry that stand alike."""

    case: str
    name: str  # empty: of several entries
    stands: tuple[str, ...]  # the chain, the lists, and how they stand
    reason: str
    address: str = ""  # of an entry without a label
    dormant: DormantStatus | None = None  # what proves that it is, where nothing newer does
    number: int = 1  # of entries

    @property
    def cells(self) -> tuple[str, ...]:
        name = f"{self.name} ({self.number:,}x)" if self.number > 1 else self.name
        return (self.case, name if self.name else f"{self.number:,} entries", *self.stands)

    @property
    def alike(self) -> tuple[object, ...]:
        """What is the same of lines that stand together."""
        why = self.reason if self.dormant is None else self.dormant.late
        return (self.case, self.stands, why)

    @property
    def why(self) -> str:
        return f"{self.address}  {self.reason}".strip()


HEADINGS = ("CASE", "ENTRY", "CHAIN", "LISTS", "READ FROM", "COMPLETE TO", "AGE", "SOURCE")


def lines(found: Snapshot, everything: bool, wide: int) -> list[str]:
    """What is complete and recent is left out unless `everything`."""
    every, left = _lines(found, everything)
    shown = every if everything else every[:MOST_LINES]
    more = len(every) - len(shown)
    out: list[str] = []
    if shown:
        sizes = [
            max(len(row[i]) for row in (HEADINGS, *(x.cells for x in shown))) for i in range(8)
        ]
        out += _rows(HEADINGS, sizes, wide)
        told = set()  # what all of a chain fail for is said once
        for line in shown:
            out += _rows(line.cells, sizes, wide)
            if line.why and line.why not in told:
                out += wrapped("          ", line.why, wide)
                told.add(line.why)
    if not all(line.name for line in shown):
        out.append("(entries that stand alike share a line; each of them: --all)")
    if more:
        out.append(f"({more} more lines that are not complete or not recent: --all)")
    # Who is dormant stands in a line of its own.
    asleep = found.verdict.dormant - sum(e.state == State.DORMANT for e in found.entries)
    if (unseen := found.left_out - asleep) > 0:
        rest = count(unseen, "more entry is", "more entries are")
        out.append(f"({rest} not complete; the worst are looked at here: --all)")
    if left:
        out.append(f"({count(left, 'list', 'lists')} complete and younger than 5 min: --all)")
    if not out and found.verdict.entries:
        stands = "complete or dormant" if found.verdict.dormant else "complete"
        out.append(f"(all that is watched is {stands}: --all)")
    return out or ["(no address is watched)"]


def _rows(cells: Sequence[str], sizes: Sequence[int], wide: int) -> list[str]:
    """In one line where the table fits; else whose list it is, and below it how it stands."""
    if sum(sizes) + 2 * (len(sizes) - 1) <= wide:
        return [_row(cells, sizes)]
    whose, stands = _row(cells[:4], sizes[:4]), _row(cells[4:], sizes[4:])
    if len(whose) > wide:  # a long name, or many lists
        whose = "  ".join(cells[:4])
    return [*wrapped("", whose, wide), f"  {stands}"]


def _row(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return "  ".join(f"{c:<{n}}" for c, n in zip(cells, sizes, strict=True)).rstrip()


def _lines(found: Snapshot, everything: bool) -> tuple[list[_Line], int]:
    """The lines to show, and how many lists are left out as complete and recent."""
    lines: list[_Line] = []
    left = 0
    for entry in found.entries:
        if entry.state == State.DORMANT and not everything:
            continue  # they stand together, see _dormant_lines
        alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
        for each in entry.streams:
            fresh = each.state == State.COMPLETE and (each.age_seconds or 0) < FRESH
            if fresh and not everything:
                left += 1
            else:
                alike.setdefault((_cells(each, found.at), each.reason), []).append(each.stream)
        late = entry.dormant if entry.dormant and entry.dormant.late else None
        for (cells, reason), streams in alike.items():
            names = "all" if len(streams) == len(entry.streams) else " ".join(streams)
            lines.append(
                _Line(
                    case=entry.case or "-",
                    name=tidy(entry.label, 30) or entry.id,
                    stands=(entry.chain, names, *cells),
                    reason=reason,
                    address="" if entry.label else entry.address,
                    dormant=late if late and reason.startswith(late.late) else None,
                )
            )
    return lines if everything else _together(lines), left


def _together(lines: Sequence[_Line]) -> list[_Line]:
    """Several addresses of one name that stand alike share a line; so do many of one case, and all
    that never lived."""
    kinds: dict[tuple[object, ...], list[_Line]] = {}
    for line in lines:
        kinds.setdefault(line.alike, []).append(line)
    return [line for alike in kinds.values() for line in _shared(alike)]


def _shared(alike: Sequence[_Line]) -> list[_Line]:
    """The lines for these, which stand alike."""
    lowest = min(alike, key=lambda line: line.dormant.block if line.dormant else 0)
    names = Counter(line.name for line in alike)
    if len(names) > (1 if lowest.dormant else MOST_NAMED):
        return [replace(lowest, name="", address="", number=len(alike))]
    apart = {line.name: line for line in alike} | {lowest.name: lowest}
    return [replace(line, number=names[name]) for name, line in apart.items()]


def _cells(read: ListStatus, at: int) -> tuple[str, ...]:
    reached = read.covered_to
    to = _short_time(reached.time, at) if reached else "never"
    age = "-" if read.age_seconds is None else duration(read.age_seconds)
    if read.state == State.NOT_SERVED:
        age = BY_BALANCES if read.reason.startswith(SHOWN) else read.state.upper()
    elif read.state != State.COMPLETE:
        age = f"{read.state.upper()} {age}" if reached else read.state.upper()
    return (read.covered_from or "-", to, age, read.by or "-")


def _short_time(seconds: int, at: int) -> str:
    """Without the date when it is today's."""
    text, today = utc(seconds), utc(at)
    return text[11:] if text[:10] == today[:10] else text[:16]


def wrapped(first: str, text: str, wide: int) -> list[str]:
    """Nothing is ever cut: addresses and hosts stay whole."""
    return textwrap.wrap(
        text,
        width=wide,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
