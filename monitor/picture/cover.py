"""How far a list is read, as a bar from its first place to its last: by one operator, by two, not
at all. SVG like the other pictures: presentation attributes only, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

WIDTH, HEIGHT, TALL = 480, 34, 14
INK, GREY, PALE, DARK, GAP, EMPTY = (
    *("#1c1f23", "#4d535c", "#9db4cc", "#1d4f91", "#d9822b", "#e4e7eb"),
)
LEAST = 2.0  # so wide is what would not be seen
SANS = "Liberation Sans, Arial, Helvetica, sans-serif"


class How(StrEnum):
    """Each has a height of its own, so that no colour alone says it."""

    TWO = "read by two operators"  # the full height
    ONE = "read by one operator"  # the lower half
    GAP = "could not be read"  # the upper half
    BLIND = "not read now"  # a dotted line


@dataclass(frozen=True, slots=True)
class Part:
    """Places, both ends in; `said`: the same for people."""

    how: How
    lo: int
    hi: int
    said: str


@dataclass(frozen=True, slots=True)
class Bar:
    """`parts` may lie over each other: the later ones lie above. `ends`: the first and the last
    place for people."""

    lo: int
    hi: int
    parts: Sequence[Part]
    ends: tuple[str, str]


def svg(title: str, bar: Bar) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="{SANS}" font-size="12" fill="{GREY}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{TALL}" fill="{EMPTY}"/>',
        *(line for part in bar.parts for line in _part(part, bar)),
        f'<path d="M0 {TALL}.5H{WIDTH}" stroke="{INK}" stroke-width="1"/>',
        f'<text x="0" y="{HEIGHT - 5}">{escape(bar.ends[0])}</text>',
        f'<text x="{WIDTH}" y="{HEIGHT - 5}" text-anchor="end">{escape(bar.ends[1])}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def x_of(place: int, bar: Bar) -> float:
    """Where a place begins; the one after the last is the right end."""
    return WIDTH * (place - bar.lo) / max(1, bar.hi + 1 - bar.lo)


def _part(part: Part, bar: Bar) -> Iterator[str]:
    left, right = x_of(part.lo, bar), x_of(part.hi + 1, bar)
    width = max(LEAST, right - left)
    left = min(left, WIDTH - width)
    title = f"<title>{escape(f'{part.how}: {part.said}')}</title>"
    if part.how is How.BLIND:
        yield (
            f'<path d="M{_n(left)} {_n(TALL / 2)}H{_n(left + width)}" stroke="{INK}" '
            f'stroke-width="2" stroke-dasharray="2 3">{title}</path>'
        )
        return
    y, tall, fill = {
        How.TWO: (0.0, float(TALL), DARK),
        How.ONE: (TALL / 2, TALL / 2, PALE),
        How.GAP: (0.0, TALL / 2, GAP),
    }[part.how]
    yield (
        f'<rect x="{_n(left)}" y="{_n(y)}" width="{_n(width)}" height="{_n(tall)}" '
        f'fill="{fill}">{title}</rect>'
    )


def _n(value: float) -> str:
    """Short, and the same on every machine."""
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"
