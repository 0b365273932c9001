"""The picture of a recorded state of a trace: one function for the command, pages, mails and
reports, so that the same state by the same method has the same bytes wherever it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from monitor.messages.trace.seizure import state_line
from monitor.model import Chain, Inline
from monitor.model.trace import Told
from monitor.picture import fold, inline, png
from monitor.picture.parts import Picture

_EVERY = 10**9
_WIDEST = 4_000  # pixels of a PNG


def by_method(told: Told, method: str) -> Told:
    """A state with its figures by another method than the case chose; of its own method, or an
    empty one, it is as it was recorded."""
    if method in ("", told.trace.method):
        return told
    return replace(told, trace=replace(told.trace, method=method, method_by="", method_why=""))


def names_of(chains: Mapping[str, Chain]) -> dict[str, str]:
    """What the settings call chains, by key."""
    return {key: chain.name for key, chain in chains.items()}


def picture_of(told: Told, names: Mapping[str, str]) -> Picture:
    """`names`: of chains, by key. draw.svg makes its bytes."""
    return fold.of_trace(told.trace, told.at, state=state_line(told), chains=names)


def inline_of(told: Told, names: Mapping[str, str]) -> Inline:
    """The same for a mail: with fewer boxes only where it would be too large for one."""
    return inline.of_trace(told.trace, told.at, state=state_line(told), chains=names)


def unfolded(told: Told, names: Mapping[str, str]) -> Picture:
    """The same with a box for each address, for tables: too much to be drawn."""
    return fold.of_trace(told.trace, told.at, chains=names, boxes=_EVERY, backs=_EVERY)


def png_of(svg: str) -> bytes:
    """Of draw.svg, twice as large as it is drawn. Takes up to a second."""
    return png.render(svg, min(_WIDEST, round(png.size(svg)[0] * 2)))
