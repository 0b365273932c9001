"""Where everything of a picture stands: columns by hop, heights by what went through, bands side
by side at their boxes, thin lines in lanes under the columns. All in pixels of the SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from monitor.picture import letters
from monitor.picture.parts import Band, Box, Picture

BOX, GAP = 190.0, 132.0  # widths: of a box, and between two columns
STRIDE = BOX + GAP
PAD = 12.0  # between two boxes of a column, and around the letters of one
INSET = 12.0
LANE = 19.0  # height of a thin line with its words
_TALL = 300.0  # what all that went to the widest hop is high
_LEAST = 2.0  # a band is never thinner
_MOST_OTHER = 2.0  # other money is drawn to scale up to so many times the traced part ...
_SOME_OTHER = 24.0  # ... or this, whatever is more; else its end is cut
_SWEEPS = 6
_NAMED = 2  # lines of a name
NAME, SMALL, ADDRESS = 12.5, 11.0, 11.0  # sizes of letters


@dataclass(frozen=True, slots=True)
class Line:
    """One of a box. `kind`: name, address, state, figure, mark."""

    kind: str
    text: str
    size: float


@dataclass(slots=True)
class Placed:
    """A box with its place."""

    box: Box
    lines: list[Line]
    x: float
    y: float = 0.0
    height: float = 0.0
    gives: list[Strip] = field(default_factory=list)
    takes: list[Strip] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(slots=True)
class Strip:
    """A band with its widths, and the height of its middle at both ends. From above: other money,
    what only some methods trace, what all do."""

    band: Band
    low: float
    between: float
    other: float
    cut: bool  # more other money than is drawn
    y1: float = 0.0
    y2: float = 0.0

    @property
    def width(self) -> float:
        return self.low + self.between + self.other


@dataclass(frozen=True, slots=True)
class Plan:
    placed: Mapping[str, Placed]
    strips: Sequence[Strip]
    width: float
    height: float  # of the columns, without what stands above and under them


def plan(picture: Picture) -> Plan:
    """Boxes keep the order of the picture; only heights are sought."""
    placed = {box.key: Placed(box, _lines_of(box), box.column * STRIDE) for box in picture.boxes}
    strips = _strips(picture)
    for strip in strips:
        placed[strip.band.giver].gives.append(strip)
        placed[strip.band.taker].takes.append(strip)
    for each in placed.values():
        sides = (sum(s.width + 1 for s in side) for side in (each.gives, each.takes))
        each.height = max(_text_height(each.lines) + PAD, *(side + 8 for side in sides))
    columns = [
        [each for each in placed.values() if each.box.column == at]
        for at in range(len(picture.columns))
    ]
    height = max((_stacked(column) for column in columns), default=0.0)
    _settle(columns, placed, height)
    for each in placed.values():
        _attach(each, placed)
    width = max(len(columns) * STRIDE - GAP, BOX)
    return Plan(placed, strips, width, height)


# --- boxes ------------------------------------------------------------------------------------


def _lines_of(box: Box) -> list[Line]:
    room = BOX - 2 * INSET
    name = " · ".join(filter(None, (box.name, box.chain)))
    parts = letters.broken(name, NAME, room, bold=True) if name else []
    if len(parts) > _NAMED:
        rest = " ".join(parts[_NAMED - 1 :])
        parts = [*parts[: _NAMED - 1], letters.cut(rest + "…", NAME, room, bold=True)]
    lines = [Line("name", part, NAME) for part in parts]
    halves = letters.halves(box.address)
    longest = max(map(len, halves), default=1)
    size = min(ADDRESS, room / (longest * letters.MONO))
    lines += [Line("address", half, size) for half in halves]
    lines += _broken("state", box.state, room)
    for kind, texts in (("figure", box.figures), ("mark", box.marks)):
        for text in texts:
            lines += _broken(kind, text, room)
    return lines


def _broken(kind: str, text: str, room: float) -> Iterable[Line]:
    bold = kind == "state"
    return (Line(kind, part, SMALL) for part in letters.broken(text, SMALL, room, bold=bold))


def line_height(line: Line) -> float:
    return {"name": 16.0, "address": line.size + 2}.get(line.kind, 14.0)


def _text_height(lines: Sequence[Line]) -> float:
    return sum(map(line_height, lines))


# --- bands ------------------------------------------------------------------------------------


def _strips(picture: Picture) -> list[Strip]:
    column = {box.key: box.column for box in picture.boxes}
    through: dict[int, float] = {}
    for band in picture.bands:
        at = column[band.taker]
        through[at] = through.get(at, 0.0) + band.high
    most = max(through.values(), default=0.0)
    scale = _TALL / most if most else 0.0
    return [_strip(band, scale) for band in picture.bands]


def _strip(band: Band, scale: float) -> Strip:
    high = max(_LEAST, band.high * scale)
    low = min(high, band.low * scale) if band.high > band.low else high
    other = (band.whole - band.high) * scale
    room = max(high * _MOST_OTHER, _SOME_OTHER)
    return Strip(band, low, high - low, min(other, room), cut=other > room)


def _attach(placed: Placed, all_: Mapping[str, Placed]) -> None:
    """Its bands side by side, in the order of the boxes at their other ends."""
    placed.gives.sort(key=lambda strip: all_[strip.band.taker].y)
    placed.takes.sort(key=lambda strip: all_[strip.band.giver].y)
    y = placed.middle - sum(s.width + 1 for s in placed.gives) / 2
    for strip in placed.gives:
        strip.y1, y = y + strip.width / 2, y + strip.width + 1
    y = placed.middle - sum(s.width + 1 for s in placed.takes) / 2
    for strip in placed.takes:
        strip.y2, y = y + strip.width / 2, y + strip.width + 1


# --- heights ----------------------------------------------------------------------------------


def _stacked(column: Sequence[Placed]) -> float:
    return sum(each.height + PAD for each in column) - PAD if column else 0.0


def _settle(
    columns: Sequence[Sequence[Placed]], placed: Mapping[str, Placed], height: float
) -> None:
    """Each box beside what it is tied to, as far as the order of its column allows."""
    for column in columns:
        _spread(column, height, lambda each: each.middle)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        pull = partial(_pull, placed=placed, forward=forward)
        for column in columns if forward else reversed(columns):
            _spread(column, height, pull)


def _pull(each: Placed, placed: Mapping[str, Placed], *, forward: bool) -> float:
    """The height of what it is tied to in the column before (or behind), by widths; its own where
    there is none."""
    strips = each.takes if forward else each.gives
    ties = [(s.band.giver if forward else s.band.taker, s.width) for s in strips]
    total = sum(width for _, width in ties)
    if not total:
        return each.middle
    return sum(placed[key].middle * width for key, width in ties) / total


def _spread(column: Sequence[Placed], height: float, wanted: Callable[[Placed], float]) -> None:
    """From above no box overlaps the one before it, then from below none leaves the picture."""
    y = 0.0
    for each in column:
        each.y = max(y, wanted(each) - each.height / 2)
        y = each.y + each.height + PAD
    limit = height
    for each in reversed(column):
        each.y = min(each.y, limit - each.height)
        limit = each.y - PAD
