"""Figures in columns where the window is wide enough, else below each other with their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], columns: int, indent: int = 4
) -> Iterator[str]:
    """The first column says what a row is about; the others are figures."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    before = " " * indent
    if indent + sum(widths) + 2 * (len(widths) - 1) <= columns:
        for row in (head, *rows):
            first, *cells = row
            figures = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            yield f"{before}{first.ljust(widths[0])}  {'  '.join(figures)}".rstrip()
        return
    for first, *cells in rows:
        yield f"{before}{first}"
        yield from listed(list(zip(head[1:], cells, strict=True)), indent + 2)


def listed(rows: Sequence[tuple[str, str]], indent: int = 4) -> Iterator[str]:
    """A name and a figure a line."""
    names, figures = (max((len(row[at]) for row in rows), default=0) for at in (0, 1))
    for name, figure in rows:
        yield f"{' ' * indent}{name.ljust(names)}  {figure.rjust(figures)}".rstrip()
