"""A balance over time, as steps: it stays until something moves. What was not read is marked where
it lies. SVG like the other pictures: presentation attributes only, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from monitor.model.plain import utc

WIDTH, HEIGHT = 480, 150
TOP, TALL = 22, 92  # of the plot
INK, GREY, LINE, UNKNOWN = "#1c1f23", "#4d535c", "#1d4f91", "#f6e3cc"
EDGE = "#b8430a"
SANS = "Liberation Sans, Arial, Helvetica, sans-serif"


@dataclass(frozen=True, slots=True)
class Point:
    """From `at` (Unix seconds) on it is `units`; `said`: the same for people, exact."""

    at: int
    units: int
    said: str


@dataclass(frozen=True, slots=True)
class Axis:
    """From when to when, and the least and the most that is drawn."""

    since: int
    until: int
    low: int
    high: int

    def x(self, at: int) -> float:
        span = max(1, self.until - self.since)
        return WIDTH * min(1.0, max(0.0, (at - self.since) / span))

    def y(self, units: int) -> float:
        span = max(1, self.high - self.low)
        return TOP + TALL - TALL * (units - self.low) / span


def axis(points: Sequence[Point], since: int, until: int) -> Axis:
    """Nothing is always on it: a balance does not look as if it fell to nothing because the axis
    begins elsewhere."""
    every = [0, *(each.units for each in points)]
    return Axis(since, until, min(every), max(every))


def svg(
    title: str,
    points: Sequence[Point],
    unknown: Sequence[tuple[int, int]],
    on: Axis,
    ends: tuple[str, str],
) -> str:
    """`points` in the order of time, at least one; before the first there is nothing. `unknown`:
    from when to when not all was read; `ends`: the least and the most for people."""
    low, high = ends
    zero = on.y(0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="{SANS}" font-size="12" fill="{GREY}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape('; '.join(f'{utc(p.at)} {p.said}' for p in points))}</desc>",
        *(part for span in unknown for part in _unknown(span, on)),
        f'<path d="M0 {_n(zero)}H{WIDTH}" stroke="{INK}" stroke-width="1"/>',
        f'<path d="M0 {TOP}H{WIDTH}" stroke="{GREY}" stroke-width="0.5" stroke-dasharray="1 4"/>',
        f'<text x="0" y="{TOP - 7}">{escape(high)}</text>',
        f'<path d="{_path(points, on)}" fill="none" stroke="{LINE}" stroke-width="2"/>',
        *_bottom(on, low),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _path(points: Sequence[Point], on: Axis) -> str:
    steps = "".join(f"H{_n(on.x(p.at))}V{_n(on.y(p.units))}" for p in points)
    return f"M{_n(on.x(on.since))} {_n(on.y(0))}{steps}H{_n(on.x(on.until))}"


def _unknown(span: tuple[int, int], on: Axis) -> Iterator[str]:
    left, right = on.x(span[0]), on.x(span[1])
    width = max(2.0, right - left)
    yield (
        f'<rect x="{_n(min(left, WIDTH - width))}" y="{TOP}" width="{_n(width)}" height="{TALL}" '
        f'fill="{UNKNOWN}"><title>not all was read: {escape(utc(span[0]))} to '
        f"{escape(utc(span[1]))}</title></rect>"
    )
    for x in (left, right):
        yield (
            f'<path d="M{_n(x)} {TOP}v{TALL}" stroke="{EDGE}" stroke-width="1" '
            'stroke-dasharray="3 3"/>'
        )


def _bottom(on: Axis, low: str) -> Iterator[str]:
    base = TOP + TALL
    yield f'<text x="0" y="{base + 15}">{escape(low)}</text>'
    yield f'<text x="0" y="{HEIGHT - 4}">{utc(on.since)[:10]}</text>'
    yield f'<text x="{WIDTH}" y="{HEIGHT - 4}" text-anchor="end">{utc(on.until)[:10]} (UTC)</text>'


def _n(value: float) -> str:
    """Short, and the same on every machine."""
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"
