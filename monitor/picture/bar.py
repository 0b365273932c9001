"""One bar whose parts are as wide as what they are of the whole: SVG, presentation attributes only.
Where several methods leave it open what a part is, so much as all of them say is drawn plain, and
the rest of the whole is hatched: it lies in one part or the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDE, _HIGH, _LEAST = 1000.0, 26.0, 2.0
# By what is known of a part, see messages.trace.wherenow.At.
FILLS: Mapping[str, str] = {
    "freezable": "#d9822b",
    "exchange": "#1b6b4a",
    "frozen": "#1d4f91",
    "rests": "#f0b775",
    "waiting": "#c7a9e0",
    "queued": "#dfe3e8",
    "unsure": "#8fc0a8",
    "limit": "#8d96a1",
    "service": "#b59ad0",
    "mixer": "#55307f",
    "bridge": "#7f5ba8",
    "nft": "#a8c3c9",
    "small": "#b9c0c9",
    "burn": "#2b2f35",
    "fees": "#6b7480",
    "turned": "#cfe0d2",  # into other assets
    "differs": "#a3001b",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """`low`, `high`: by the methods that count; in one unit for the whole bar."""

    fill: str  # a key of FILLS
    title: str
    low: int
    high: int


def svg(pieces: Sequence[Piece], whole: int, title: str, number: int = 1) -> str:
    """As wide as its place. `whole`: what all pieces come to. `number`: of several on one page."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(_WIDE)} {_n(_HIGH)}" '
        f'width="{_n(_WIDE)}" height="{_n(_HIGH)}" preserveAspectRatio="none" role="img">',
        f"<title>{escape(title)}</title>",
        *_drawn(pieces, whole, f"open-{number}"),
        "</svg>",
    ]
    return "".join(parts)


def _drawn(pieces: Sequence[Piece], whole: int, pattern: str) -> Iterator[str]:
    low = sum(piece.low for piece in pieces)
    widths = [(piece, piece.low) for piece in pieces if piece.low > 0]
    rest = max(whole - low, 0)
    if rest:
        yield (
            f'<defs><pattern id="{pattern}" width="8" height="8" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect width="8" height="8" fill="#ffffff"/>'
            '<rect width="3" height="8" fill="#b9c0c9"/></pattern></defs>'
        )
    total = max(low + rest, 1)
    thin = sum(1 for _, units in widths if units * _WIDE < _LEAST * total)
    scale = (_WIDE - thin * _LEAST) / total  # thin ones are seen, and nothing leaves the bar
    x = 0.0
    for piece, units in widths:
        wide = max(units * scale, _LEAST)
        yield _piece(x, min(wide, _WIDE - x), FILLS[piece.fill], piece.title)
        x += wide
    if rest:
        said = "Here or there, depending on how mixed money is counted"
        yield _piece(x, max(_WIDE - x, 0.0), f"url(#{pattern})", said)


def _piece(x: float, wide: float, fill: str, title: str) -> str:
    return (
        f'<rect x="{_n(x)}" y="0" width="{_n(wide)}" height="{_n(_HIGH)}" fill="{fill}" '
        f'stroke="#ffffff" stroke-width="1"><title>{escape(title)}</title></rect>'
    )


def swatch(fill: str) -> str:
    """The colour of a part, beside its words."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 14 14" width="14" height="14" '
        f'aria-hidden="true"><rect width="14" height="14" rx="3" fill="{FILLS[fill]}"/></svg>'
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
