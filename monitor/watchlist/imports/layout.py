"""How a table of addresses is laid out: separator, header, which column holds what. Pure."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from monitor.watchlist.imports.cells import (
    BROKEN_CELL,
    Why,
    columns,
    looks_like_address,
    refusal,
)

MOST_COLUMNS = 1000
_COIN = re.compile(r"(Digital Currency Address - )?[A-Z]{3,5}\Z")  # as OFAC writes, or bare
LOOKED_AT = 200  # rows, to learn what the columns hold


@dataclass(frozen=True, slots=True)
class Cells:
    line: int
    cells: list[str]
    lines: int  # that the row runs over

    def likes(self) -> int:
        return sum(looks_like_address(cell) for cell in self.cells)


DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


def delimiter_of(text: str) -> str:
    """The separator under which the first lines hold most known headers and addresses."""
    lines = [line for line in text.splitlines() if line.strip(" \t,;|")][:50]

    def score(delimiter: str) -> tuple[int, int]:
        rows: list[Cells] = []
        with suppress(csv.Error):  # if it is the right separator, _rows says what is wrong
            for cells in csv.reader(lines, delimiter=delimiter):
                rows.append(Cells(0, cells, 1))
        header = max((len(columns(row.cells)) for row in rows[:20]), default=0)
        return header, sum(row.likes() > 0 for row in rows)

    return max(DELIMITERS, key=score)


def not_too_wide(rows: Sequence[Cells], file: str) -> None:
    widest = max(rows, key=lambda row: len(row.cells))
    if len(widest.cells) > MOST_COLUMNS:
        reason = f"has {len(widest.cells):,} columns, more than {MOST_COLUMNS:,}"
        remedy = "Keep the columns that matter: address, chain, label, case, reason, source"
        raise refusal(file, "", reason, remedy, widest.line)


def find_header(rows: Sequence[Cells]) -> tuple[int | None, dict[str, int]]:
    """The row that names the columns: above the first address, with most known names."""
    first = next((n for n, row in enumerate(rows[:20]) if row.likes()), min(len(rows), 20))
    known = [columns(row.cells) for row in rows[:first]]
    best = max(range(first), key=lambda n: ("address" in known[n], len(known[n])), default=None)
    return (best, known[best]) if best is not None and known[best] else (None, {})


def is_comment(row: Cells, found: Mapping[str, int]) -> bool:
    """A line that starts with # and holds no address elsewhere."""
    start = row.cells[0].strip()
    return (
        start.startswith("#")
        and not BROKEN_CELL.match(start)
        and (found.get("address", 0) == 0 or row.likes() == 0)
    )


def is_plain(rows: Sequence[Cells]) -> bool:
    """Whether every column holds addresses: one a line, or several with commas between."""
    filled = [[c for c in row.cells if c.strip()] for row in rows[:LOOKED_AT]]
    content = [cells for cells in filled if not cells[0].lstrip().startswith("#")]
    wide = [cells for cells in content if len(cells) > 1]
    whole = sum(all(map(looks_like_address, cells)) for cells in wide)
    return len(wide) * 2 < len(content) + 1 if not whole else whole * 2 > len(wide)


def by_content(
    found: dict[str, int], rows: Sequence[Cells], is_chain: Callable[[str], bool], *, headed: bool
) -> dict[str, int]:
    """The columns by header, and those that show by what they hold."""
    looked = rows[:LOOKED_AT]
    free = range(max((len(r.cells) for r in looked), default=0))
    cells = {
        n: [r.cells[n] for r in looked if n < len(r.cells) and r.cells[n].strip()] for n in free
    }
    if "address" not in found:
        counts = Counter({n: sum(map(looks_like_address, cells[n])) for n in free})
        best = counts.most_common(1)
        if best and best[0][1]:
            taken = {name: n for name, n in found.items() if n != best[0][0]}
            found = {**taken, "address": best[0][0]}
    named = [n for n in free if n not in found.values() and _says_chains(cells[n], is_chain)]
    return found if headed or not named else {**found, "chain": named[0]}


def _says_chains(cells: Sequence[str], is_chain: Callable[[str], bool]) -> bool:
    """Whether a column holds chains, some of which may be none of ours: were it passed over, the
    address of another coin could be taken for one of Bitcoin's, which older ones look like."""
    known = set(filter(is_chain, cells))
    return bool(known) and all(cell in known or _COIN.match(cell.strip()) for cell in cells)


def fault_of(row: Cells, headed: int) -> Why | None:
    """What makes a row's cells stand under the wrong headers, or hides rows in one cell."""
    extra = [cell for cell in row.cells[headed:] if cell.strip()] if headed else []
    if extra:
        return (
            extra[0].strip(),
            f"is more than the header has columns ({headed})",
            "A text that holds the separator needs quotes around it",
        )
    long = [cell for cell in row.cells if row.lines > 1 and re.search(r"[\r\n]", cell)]
    swallowed = [c for c in long if any(map(looks_like_address, re.split(r"[\s,;|\"]+", c)))]
    if swallowed:
        return (
            swallowed[0].splitlines()[0].strip(),
            f"is in a quote that runs on over {row.lines} lines with addresses",
            'Delete the stray ", or close the quote',
        )
    return None
