"""A picture as SVG: presentation attributes only, no script, no style, nothing loaded. The same
picture gives the same bytes.

Boxes and bands are links to a place of the page on which it stands, "#box-3": what of them does not
stand in the picture is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from monitor.picture import layout, letters, parts
from monitor.picture.layout import BOX, GAP, INSET, LANE, STRIDE, Placed, Plan, Strip
from monitor.picture.parts import Column, Picture, Tone

INK, GREY, LINE, PAPER = "#1c1f23", "#4d535c", "#b4bac4", "#ffffff"
TRACED, OTHER = "#7fa9d6", "#e9ebee"
SANS = "Liberation Sans, Arial, Helvetica, sans-serif"
MONO = "Liberation Mono, DejaVu Sans Mono, Consolas, monospace"
# Bar and letters, ground, dashes of the frame. Dark enough to be read on their ground.
_TONES = {
    Tone.SOURCE: ("#1c1f23", "#ffffff", ""),
    Tone.RESTS: ("#9a3d00", "#fff3e8", ""),
    Tone.REACHED: ("#00573f", "#e9f6f1", ""),
    Tone.HIDDEN: ("#55307f", "#f4effa", ""),
    Tone.ENDED: ("#4d535c", "#f1f2f4", ""),
    Tone.OPEN: ("#4d535c", "#ffffff", "5 3"),
    Tone.PASSED: ("#4d535c", "#ffffff", ""),
}
_MARGIN, _HEAD, _LEAST = 14.0, 40.0, 720.0  # around it; heads of columns; least width
_ASIDE, _BESIDE = 8.0, 5.0  # thin lines from their boxes, and from each other
_STEEP = 40.0  # a band whose ends differ by more in height
_ROW, _SMALL = 12.5, 10.5  # a line beside a band: its height, and its letters


def svg(picture: Picture) -> str:
    """The whole picture, as wide as its columns need."""
    plan = layout.plan(picture)
    width = max(plan.width, _LEAST)
    top = _Top(picture, width)
    lanes = plan.height + 8
    feet = lanes + LANE * len(picture.backs) + 6
    height = feet + _foot_height(picture.columns)
    inner = top.height + _HEAD
    side = _MARGIN + (_ASIDE + _BESIDE * len(picture.backs) if picture.backs else 0)
    whole = (width + 2 * side, inner + height + 2 * _MARGIN)
    found = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(whole[0])} {_n(whole[1])}" '
        f'width="{_n(whole[0])}" height="{_n(whole[1])}" role="group" font-family="{SANS}" '
        f'font-size="11" fill="{INK}">',
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(' '.join((*picture.said, *picture.warned)))}</desc>",
        _HATCH,
        f'<rect width="{_n(whole[0])}" height="{_n(whole[1])}" fill="{PAPER}"/>',
        f'<g transform="translate({_n(side)} {_n(_MARGIN)})">',
        *top.parts(cut=any(strip.cut for strip in plan.strips)),
        f'<g transform="translate(0 {_n(inner)})">',
        *_heads(picture.columns),
        f'<g stroke="{LINE}" stroke-width="0.7">',
        *(part for at, strip in enumerate(plan.strips, 1) for part in _band(at, strip, plan)),
        "</g>",
        *_backs(picture, plan, lanes),
        *_labels(plan),
        *(part for at, each in enumerate(plan.placed.values(), 1) for part in _box(at, each)),
        *_feet(picture.columns, feet, plan.width),
        "</g></g></svg>",
    ]
    return "\n".join(found) + "\n"


_HATCH = (
    '<defs><pattern id="between" width="6" height="6" patternUnits="userSpaceOnUse" '
    f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{PAPER}"/>'
    f'<rect width="3" height="6" fill="{TRACED}"/></pattern></defs>'
)


def _n(value: float) -> str:
    """A number of the SVG: at most one decimal place."""
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, text: str, size: float = 0, more: str = "") -> str:
    """`size` 0: as all around it."""
    sized = f' font-size="{_n(size)}"' if size else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{sized}{more}>{escape(text)}</text>'


def _link(to: str, title: str) -> str:
    """The beginning of one."""
    return f'<a href="#{to}"><title>{escape(title)}</title>'


_BOLD = ' font-weight="bold"'


# --- above the columns ------------------------------------------------------------------------


class _Top:
    """Title, what is said and warned of, and what the drawing means."""

    def __init__(self, picture: Picture, width: float) -> None:
        self.picture = picture
        self.lines = [
            (line, 17.0, True) for line in letters.broken(picture.title, 17, width, bold=True)
        ]
        for said in filter(None, picture.said):
            self.lines += [(line, 12.0, False) for line in letters.broken(said, 12, width)]
        for warned in picture.warned:
            self.lines += [
                (line, 12.0, True) for line in letters.broken(warned, 12, width, bold=True)
            ]
        self.height = sum(size + 5 for _, size, _ in self.lines) + 26

    def parts(self, *, cut: bool) -> Iterator[str]:
        """`cut`: of other money there is more somewhere than is drawn."""
        y = 0.0
        for line, size, bold in self.lines:
            y += size + 5
            yield _text(0, y - 5, line, size, _BOLD if bold else "")
        yield from _legend(self.picture, y + 14, cut=cut)


def _legend(picture: Picture, y: float, *, cut: bool) -> Iterator[str]:
    x = 0.0
    traced = "traced by every method" if picture.ranged else "traced"
    signs = [(TRACED, traced), (OTHER, "other money in the same payment")]
    if picture.ranged:
        signs.insert(1, ("url(#between)", "traced by some methods only"))
    if cut:
        signs.append((OTHER, "more of it than is drawn"))
    for number, (fill, words) in enumerate(signs):
        yield _swatch(x, y, fill, dashed=cut and number == len(signs) - 1)
        yield _text(x + 26, y, words, 11)
        x += 26 + letters.width(words, 11) + 22
    if picture.backs:
        yield _thread(f"M{_n(x)} {_n(y - 4)}H{_n(x + 22)}")
        yield _text(x + 28, y, "back, or not to the next hop", 11)


def _swatch(x: float, y: float, fill: str, *, dashed: bool) -> str:
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<rect x="{_n(x)}" y="{_n(y - 9)}" width="20" height="10" fill="{fill}" '
        f'stroke="{LINE}" stroke-width="0.7"{dashes}/>'
    )


def _heads(columns: Sequence[Column]) -> Iterator[str]:
    for at, column in enumerate(columns):
        x = at * STRIDE
        yield _text(x, -24, letters.cut(column.head, 13, STRIDE - 8, bold=True), 13, _BOLD)
        yield _text(x, -9, letters.cut(column.sub, 11, STRIDE - 8), 11, f' fill="{GREY}"')


# --- bands ------------------------------------------------------------------------------------


def _band(number: int, strip: Strip, plan: Plan) -> Iterator[str]:
    x1 = plan.placed[strip.band.giver].x + BOX
    x2 = plan.placed[strip.band.taker].x
    yield _link(parts.band_at(number), strip.band.title)
    at = -strip.width / 2
    dashes = ' stroke-dasharray="4 3"' if strip.cut else ""
    for width, fill in (
        (strip.other, OTHER),
        (strip.between, "url(#between)"),
        (strip.low, TRACED),
    ):
        if width > 0.05:
            ends = (x1, strip.y1 + at, x2, strip.y2 + at)
            edge = dashes if fill == OTHER else ""
            yield f'<path d="{_curve(ends, width)}" fill="{fill}"{edge}/>'
        at += width
    yield "</a>"


def _curve(ends: tuple[float, float, float, float], width: float) -> str:
    """A band between two upper corners."""
    x1, y1, x2, y2 = ends
    mid = _n((x1 + x2) / 2)
    there = f"M{_n(x1)} {_n(y1)}C{mid} {_n(y1)} {mid} {_n(y2)} {_n(x2)} {_n(y2)}"
    low1, low2 = _n(y1 + width), _n(y2 + width)
    return f"{there}V{low2}C{mid} {low2} {mid} {low1} {_n(x1)} {low1}Z"


def _labels(plan: Plan) -> Iterator[str]:
    """What each band carried: at its middle, or where it is steep at the end where fewer meet;
    never over another one. A click on it is one on the band."""
    grounds, words = list[str](), list[str]()
    taken: dict[float, list[tuple[float, float]]] = {}
    for strip in sorted(plan.strips, key=lambda s: (s.y1 + s.y2, s.band.giver, s.band.taker)):
        lines = _label_lines(strip)
        width = max(letters.width(text, size, bold=bold) for text, size, bold in lines) + 8
        height = _ROW * len(lines) + 3
        x, y = _wanted(strip, plan, width)
        gap = plan.placed[strip.band.giver].x
        y = _free(taken.setdefault(gap, []), y - height / 2, height)
        grounds.append(
            f'<rect x="{_n(x - width / 2)}" y="{_n(y)}" width="{_n(width)}" '
            f'height="{_n(height)}" rx="3"/>'
        )
        for number, (text, size, bold) in enumerate(lines, 1):
            own = size if size != _SMALL else 0
            words.append(_text(x, y + _ROW * number - 2, text, own, _BOLD if bold else ""))
    yield f'<g pointer-events="none" fill="{PAPER}" fill-opacity="0.86">'
    yield from grounds
    yield '</g><g pointer-events="none" text-anchor="middle" font-size="10.5">'
    yield from words
    yield "</g>"


def _wanted(strip: Strip, plan: Plan, width: float) -> tuple[float, float]:
    """Where the middle of a band's words would best be."""
    giver, taker = plan.placed[strip.band.giver], plan.placed[strip.band.taker]
    if abs(strip.y2 - strip.y1) < _STEEP:
        return giver.x + BOX + GAP / 2, (strip.y1 + strip.y2) / 2
    if len(taker.takes) <= len(giver.gives):
        return taker.x - 6 - width / 2, strip.y2
    return giver.x + BOX + 6 + width / 2, strip.y1


def _label_lines(strip: Strip) -> list[tuple[str, float, bool]]:
    """A thin band has room for its amount alone; its title says the rest."""
    first, *others = strip.band.lines
    lines = [(part, 11.0, True) for part in letters.broken(first, 11, GAP - 10, bold=True)]
    for other in others:
        lines += [(part, _SMALL, False) for part in letters.broken(other, _SMALL, GAP - 10)]
    return lines


def _free(taken: list[tuple[float, float]], wanted: float, height: float) -> float:
    """The nearest height at or under the wanted one where nothing stands."""
    y = max(wanted, 0.0)
    for top, bottom in sorted(taken):
        if y < bottom + 2 and top < y + height + 2:
            y = bottom + 2
    taken.append((y, y + height))
    return y


# --- thin lines -------------------------------------------------------------------------------


def _thread(path: str) -> str:
    halo = f'<path d="{path}" fill="none" stroke="{PAPER}" stroke-width="4"/>'
    return (
        halo
        + f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.3" stroke-dasharray="6 3"/>'
    )


def _backs(picture: Picture, plan: Plan, top: float) -> Iterator[str]:
    """Out of the right side of a box, along a lane under the columns, into the left side of the
    other one."""
    for lane, back in enumerate(picture.backs):
        giver, taker = plan.placed[back.giver], plan.placed[back.taker]
        y, aside = top + LANE * (lane + 1) - 6, _ASIDE + _BESIDE * lane
        x1, x2 = giver.x + BOX, taker.x
        y1, y2 = giver.y + giver.height - 7 - lane % 4, taker.y + taker.height - 7 - lane % 4
        path = f"M{_n(x1)} {_n(y1)}H{_n(x1 + aside)}V{_n(y)}H{_n(x2 - aside)}V{_n(y2)}H{_n(x2 - 4)}"
        yield f"{_link(parts.back_at(lane + 1), back.title)}{_thread(path)}"
        tip = f"M{_n(x2)} {_n(y2)}l-7 -3.5v7z"
        yield f'<path d="{tip}" fill="{INK}"/>'
        width = letters.width(back.label, 11, bold=True) + 8
        x = max((x1 + x2) / 2 - width / 2, 0.0)
        yield (
            f'<rect x="{_n(x)}" y="{_n(y - 7)}" width="{_n(width)}" height="14" fill="{PAPER}"/>'
            + _text(x + 4, y + 4, back.label, 11, _BOLD)
            + "</a>"
        )


# --- boxes ------------------------------------------------------------------------------------


def _box(number: int, placed: Placed) -> Iterator[str]:
    bar, fill, dashes = _TONES[placed.box.tone]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    x, y, height = placed.x, placed.y, placed.height
    yield _link(parts.box_at(number), placed.box.title)
    if placed.box.folded:  # a pile
        yield _frame(x + 4, y + 4, height, fill, bar, dashed)
    yield _frame(x, y, height, fill, bar, dashed)
    yield f'<rect x="{_n(x)}" y="{_n(y)}" width="5" height="{_n(height)}" rx="2" fill="{bar}"/>'
    y += (height - sum(map(layout.line_height, placed.lines))) / 2
    for is_address, lines in groupby(placed.lines, lambda line: line.kind == "address"):
        if is_address:
            yield f'<g font-family="{MONO}">'
        for line in lines:
            y += layout.line_height(line)
            own = line.size if line.size != layout.SMALL else 0
            yield _text(x + INSET, y - 3.5, line.text, own, _look(line.kind, bar))
        if is_address:
            yield "</g>"
    yield "</a>"


def _frame(x: float, y: float, height: float, fill: str, bar: str, dashed: str) -> str:
    return (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(BOX)}" height="{_n(height)}" rx="4" '
        f'fill="{fill}" stroke="{bar}"{dashed}/>'
    )


def _look(kind: str, bar: str) -> str:
    return {
        "name": _BOLD,
        "state": f'{_BOLD} fill="{bar}"',
        "mark": f' fill="{bar}"',
    }.get(kind, "")


# --- under the columns ------------------------------------------------------------------------


def _foot_height(columns: Sequence[Column]) -> float:
    return 12 + 16.0 * max((_foot_lines(column) for column in columns), default=0)


def _foot_lines(column: Column) -> int:
    return sum(1 if _is_short(row.name, row.figure) else 2 for row in column.rows)


def _is_short(name: str, figure: str) -> bool:
    return letters.width(name + figure, 11, bold=True) + 12 <= BOX


def _feet(columns: Sequence[Column], top: float, width: float) -> Iterator[str]:
    yield f'<path d="M0 {_n(top)}H{_n(width)}" stroke="{LINE}"/>'
    for at, column in enumerate(columns):
        x, y = at * STRIDE, top + 4
        yield f"<g><title>{escape(column.title)}</title>"
        for row in column.rows:
            bold = _BOLD if row.strong else ""
            y += 16
            yield _text(x, y, row.name, 11, bold)
            y += 0 if _is_short(row.name, row.figure) else 16
            yield _text(x + BOX, y, row.figure, 11, f' text-anchor="end"{bold}')
        yield "</g>"
