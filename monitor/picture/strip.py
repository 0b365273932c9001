"""A day of reading as a strip: how much of what is watched was read, quarter of an hour by quarter
of an hour. SVG like the other pictures: presentation attributes only, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from monitor.model.plain import utc

WIDTH, HEIGHT = 480, 74  # of the picture
LEFT, TOP, TALL = 36, 4, 40  # where its bars begin, and how high all of them are
INK, GREY, READ, BLIND = "#1c1f23", "#4d535c", "#1d4f91", "#d9822b"
SANS = "Liberation Sans, Arial, Helvetica, sans-serif"
HOURS = 6  # between two marks of the axis


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: which part was read and which part could not be, of 1; the rest was behind."""

    read: float
    blind: float
    said: str


@dataclass(frozen=True, slots=True)
class Run:
    """Values that follow each other and are the same. `cell` None: nobody looked."""

    first: int
    number: int
    cell: Cell | None


def runs(cells: Sequence[Cell | None]) -> list[Run]:
    found, at = [], 0
    for cell, group in groupby(cells):
        number = len([*group])
        found.append(Run(at, number, cell))
        at += number
    return found


def svg(title: str, begin: int, seconds: int, cells: Sequence[Cell | None]) -> str:
    """`begin`: Unix seconds; `seconds`: that a cell stands for."""
    step = (WIDTH - LEFT) / len(cells)
    base = TOP + TALL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="{SANS}" font-size="12" fill="{GREY}">',
        f"<title>{escape(title)}</title>",
        f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT}" height="{TALL}" fill="#eef0f3"/>',
        *(part for run in runs(cells) for part in _run(run, step)),
        f'<path d="M{LEFT} {TOP}V{base}H{WIDTH}" fill="none" stroke="{INK}" stroke-width="1"/>',
        f'<text x="{LEFT - 5}" y="{TOP + 10}" text-anchor="end">all</text>',
        f'<text x="{LEFT - 5}" y="{base}" text-anchor="end">none</text>',
        *_axis(begin, seconds, len(cells), step),
        f'<text x="{LEFT}" y="{HEIGHT - 2}">read; hours of UTC</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _run(run: Run, step: float) -> Iterator[str]:
    x, width = LEFT + run.first * step, run.number * step
    base = TOP + TALL
    if run.cell is None:
        middle = TOP + TALL / 2
        yield (
            f'<path d="M{_n(x)} {_n(middle)}H{_n(x + width)}" stroke="{GREY}" stroke-width="2" '
            'stroke-dasharray="2 3"><title>not known: nobody looked</title></path>'
        )
        return
    title = f"<title>{escape(run.cell.said)}</title>"
    if run.cell.read:
        tall = TALL * run.cell.read
        yield _bar(x, base - tall, width, tall, READ, title)
    if run.cell.blind:
        tall = TALL * run.cell.blind
        yield _bar(x, TOP, width, tall, BLIND, title)


def _bar(x: float, y: float, width: float, tall: float, fill: str, title: str) -> str:
    return (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(tall)}" '
        f'fill="{fill}">{title}</rect>'
    )


def _axis(begin: int, seconds: int, number: int, step: float) -> Iterator[str]:
    """Marks at whole hours."""
    base = TOP + TALL
    for at in range(number):
        moment = begin + at * seconds
        if moment % (HOURS * 3600) == 0 and at * step < WIDTH - LEFT - 34:
            x = LEFT + at * step
            yield f'<path d="M{_n(x)} {base}v4" stroke="{INK}" stroke-width="1"/>'
            yield f'<text x="{_n(x + 2)}" y="{base + 13}">{utc(moment)[11:16]}</text>'


def _n(value: float) -> str:
    """Short, and the same on every machine."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
